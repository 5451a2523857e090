"""POST /processors/paystack/{id}: updates the payment that a notification names."""

from checkout.api import processor_notifications
from checkout.api.http import Request, Response, public_endpoint
from checkout.processors.registry import PAYSTACK
from checkout.store.table import Table


@public_endpoint(
    processor_notifications, reason="Paystack has no API key: it signs its notifications."
)
def handler(table: Table, request: Request) -> Response:
    return processor_notifications.receive(table, request, PAYSTACK)
