"""What a deployment decides, read from the environment once per process."""

import os
from functools import lru_cache
from typing import NamedTuple

IN_LAMBDA = "AWS_LAMBDA_INITIALIZATION_TYPE" in os.environ
"""Then what every request needs is made on import: a function that starts has a whole processor,
one that answers has the share that its memory buys."""


class Settings(NamedTuple):
    table_name: str
    queue_url: str
    page_url: str
    """Where shoppers find the hosted page; empty for the address the API was called on."""
    allow_local_endpoints: bool
    """Webhooks to http://127.0.0.1. Only devstack sets it: no deployed stack has it."""


@lru_cache(maxsize=1)
def settings() -> Settings:
    return Settings(
        table_name=os.environ["TABLE_NAME"],
        queue_url=os.environ.get("QUEUE_URL", ""),
        page_url=os.environ.get("PAGE_URL", ""),
        allow_local_endpoints=os.environ.get("ALLOW_LOCAL_ENDPOINTS") == "true",
    )
