"""A checkout-session service: one core, and a dialect in `checkout.api` for each public API.

Imports run one way: a part may import itself and what stands below it.

    functions
    receipts
    page, sweep, firing, repairs
    api
    processors, webhooks, dispatch
    activity
    store, queues, mail
    domain

`domain` imports no AWS package and no other part. `tests/unit/test_layering.py` enforces the rule
and lists the remaining modules (settings, log, aws, encryption, partial_batches).
"""

import gc

from checkout.settings import IN_LAMBDA

if IN_LAMBDA:
    # Objects made at the start live as long as the process. Searching them for garbage would take a
    # fifteenth of a cold start and free nothing.
    gc.set_threshold(100_000)
