"""The settings that all AWS clients of this service share."""

from botocore.config import Config

CALL_SECONDS = 3
"""Seconds that one request to AWS may take, including its connection."""

CLIENT_CONFIG = Config(
    connect_timeout=1,
    read_timeout=CALL_SECONDS - 1,
    retries={"mode": "standard", "total_max_attempts": 2},
    # Without this, botocore builds a user agent for each call, in a seventh of the call's CPU time.
    user_agent="checkout",
)
TABLE_CONFIG = CLIENT_CONFIG.merge(
    Config(retries={"total_max_attempts": 1}, parameter_validation=False)
)
"""For the table's client: `store.table` repeats its calls itself, within the invocation's time, and
DynamoDB validates the parameters, which takes a thirteenth of a call's CPU time here."""
