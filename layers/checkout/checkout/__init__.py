"""A checkout-session service: one core, spoken in the dialects of `checkout.api`.

Imports run one way: functions -> api, page, webhooks, processors -> store -> domain.
"""

import gc

from checkout.settings import IN_LAMBDA

if IN_LAMBDA:
    # What a start makes, stays. Collecting it, some thirty times, is a fifteenth of a cold start.
    gc.set_threshold(100_000)
