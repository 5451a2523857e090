"""A checkout-session service: one core, and a dialect of it for each API in `checkout.api`.

Which part may import which is stated in `tests/unit/test_layering.py`, which enforces it.
"""

import gc

from checkout.settings import IN_LAMBDA

if IN_LAMBDA:
    # What a start creates stays alive: collecting it is a fifteenth of a cold start for nothing.
    gc.set_threshold(100_000)
