"""POST /processors/stripe/{id}: what Stripe tells about an account's payments."""

from checkout.api import stripe_notifications
from checkout.api.http import Request, Response, endpoint
from checkout.store.table import open_table


@endpoint(stripe_notifications)
def handler(request: Request) -> Response:
    return stripe_notifications.receive(open_table(), request)
