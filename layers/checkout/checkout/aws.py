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
WITHOUT_RETRIES = CLIENT_CONFIG.merge(Config(retries={"total_max_attempts": 1}))
"""For clients whose callers repeat a call themselves, within the invocation's time."""
TABLE_CONFIG = WITHOUT_RETRIES.merge(Config(parameter_validation=False))
"""DynamoDB validates the parameters, which takes a thirteenth of a call's CPU time here."""
