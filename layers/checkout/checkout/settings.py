"""The settings of a deployment, read from the environment once per process."""

import os
from functools import lru_cache
from typing import NamedTuple

IN_LAMBDA = "AWS_LAMBDA_INITIALIZATION_TYPE" in os.environ
"""In Lambda, modules create their AWS clients on import. At its start a function has a whole CPU;
later it has only a share, in proportion to its memory size."""


class Settings(NamedTuple):
    table_name: str
    queue_url: str
    timer_queue_url: str
    processor_queue_url: str
    receipt_queue_url: str
    receipt_sender: str
    """The address that receipts are sent from; if it is empty, no page offers a receipt."""
    receipt_configuration_set: str
    """SES's configuration set for receipts; empty for that of the address."""
    timer_shards: int
    """Partitions of the timers. It may be changed at any time."""
    secrets_key: str
    """The KMS key that secrets are encrypted with."""
    page_url: str
    """The address of the hosted page; if it is empty, the address that the API was called on."""
    retention_days: int
    """Days after their end at which sessions, payments, refunds and customers name nobody any
    more. 0 keeps them as they are."""
    edge_key: str
    """The secret that CloudFront sends with each request; empty if no CloudFront is used."""
    merchant_rate: int
    visitor_rate: int
    page_rate: int
    """Requests a second that a process takes from a merchant and mode, from a shopper's address,
    and for one hosted page. 0 stands for no limit."""
    webhook_connect_seconds: float
    webhook_total_seconds: float
    """The most that a delivery attempt may take, from the DNS lookup to the end of the answer."""
    webhook_in_flight: int
    """How many delivery attempts may be in flight to a webhook endpoint at first."""
    webhook_max_in_flight: int
    """How many may be, after it has answered well for some time."""
    allow_local_endpoints: bool
    """Allows webhooks to http://127.0.0.1 and http://localhost. Only devstack sets it, never a
    deployed stack."""
    stripe_api: str
    stripe_script: str
    """The addresses of Stripe's API and script. Tests replace them."""
    paystack_api: str
    paystack_page: str
    """The addresses of Paystack's API, and of its page without the access code."""
    paymongo_api: str


@lru_cache(maxsize=1)
def settings() -> Settings:
    return Settings(
        table_name=os.environ["TABLE_NAME"],
        queue_url=os.environ.get("QUEUE_URL", ""),
        timer_queue_url=os.environ.get("TIMER_QUEUE_URL", ""),
        processor_queue_url=os.environ.get("PROCESSOR_QUEUE_URL", ""),
        receipt_queue_url=os.environ.get("RECEIPT_QUEUE_URL", ""),
        receipt_sender=os.environ.get("RECEIPT_SENDER", ""),
        receipt_configuration_set=os.environ.get("RECEIPT_CONFIGURATION_SET", ""),
        timer_shards=int(os.environ.get("TIMER_SHARDS", "32")),
        secrets_key=os.environ.get("SECRETS_KEY", ""),
        page_url=os.environ.get("PAGE_URL", ""),
        retention_days=int(os.environ.get("RETENTION_DAYS", "0")),
        edge_key=os.environ.get("EDGE_KEY", ""),
        merchant_rate=int(os.environ.get("MERCHANT_RATE", "0")),
        visitor_rate=int(os.environ.get("VISITOR_RATE", "0")),
        page_rate=int(os.environ.get("PAGE_RATE", "0")),
        webhook_connect_seconds=float(os.environ.get("WEBHOOK_CONNECT_SECONDS", "5")),
        webhook_total_seconds=float(os.environ.get("WEBHOOK_TOTAL_SECONDS", "15")),
        webhook_in_flight=int(os.environ.get("WEBHOOK_IN_FLIGHT", "10")),
        webhook_max_in_flight=int(os.environ.get("WEBHOOK_MAX_IN_FLIGHT", "100")),
        allow_local_endpoints=os.environ.get("ALLOW_LOCAL_ENDPOINTS") == "true",
        stripe_api=os.environ.get("STRIPE_API", "https://api.stripe.com"),
        stripe_script=os.environ.get("STRIPE_SCRIPT", "https://js.stripe.com/v3/"),
        paystack_api=os.environ.get("PAYSTACK_API", "https://api.paystack.co"),
        paystack_page=os.environ.get("PAYSTACK_PAGE", "https://checkout.paystack.com/"),
        paymongo_api=os.environ.get("PAYMONGO_API", "https://api.paymongo.com/v1"),
    )
