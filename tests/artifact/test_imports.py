"""What a start loads: each function's modules, all of them from bytecode. A new import has to be
entered here, and earn it: it is paid for at each cold start."""

import pytest

from build_tools.artifact import Artifact

AWS = "aws_lambda_powertools boto3 botocore dateutil jmespath s3transfer six urllib3"
"""What botocore needs, and the Logger."""
PYDANTIC = "annotated_types pydantic pydantic_core typing_extensions typing_inspection"
JINJA = "jinja2 markupsafe"

CORE = (
    "log settings domain.clock domain.errors domain.event domain.ids domain.payment"
    " domain.refund domain.session store.items store.keys store.table"
)
RENDER = "api.http api.paygate.render"
API = f"{RENDER} api.authentication domain.account store.accounts"
QUERY = "api.paygate.query store.paging"
WORDS = "api.dialects api.paygate.render api.payrex.render"
PAYREX = "api.http api.payrex.render api.authentication domain.account store.accounts"
FORM = (
    "api.payrex.form api.payrex.parse domain.addresses domain.contact store.paging store.idempotency"
)
LISTED = f"{FORM} api.payrex.query"
PARSE = "api.paygate.parse domain.contact store.idempotency store.paging"
CUSTOMERS = "store.idempotency store.customers store.paging"
ENDPOINT = "api.paygate.endpoint_fields domain.addresses"
ENDPOINTS = "store.idempotency store.webhook_endpoints store.paging store.timers"
EVENTS = "store.events store.paging store.timers"
DELIVERIES = f"store.deliveries store.leases {EVENTS}"
SESSIONS = f"store.sessions {CUSTOMERS} {EVENTS}"
PAYMENTS = f"store.payments {SESSIONS}"
REFUNDS = f"store.refunds {PAYMENTS}"
ADAPTERS = "processors.registry processors.protocol processors.simulator store.simulator_ledger"
REFUNDING = f"processors.refunds {ADAPTERS} {REFUNDS}"
PROCESSOR = f"processors.attempts {REFUNDING}"
PAGE = (
    "page.line_items page.catalogues.en page.catalogues.fil page.catalogues.fr page.forms page.language"
    " page.palette page.checkout_flow page.templating page.tokens page.view"
    " domain.account page.colour domain.contact domain.money store.accounts store.webhook_endpoints"
)
FAN_OUT = f"webhooks.fan_out webhooks.message webhooks.queue {DELIVERIES}"
WEBHOOK_REQUESTS = f"api.http api.webhook_requests {WORDS} domain.account"
SENDER = (
    "webhooks.egress webhooks.health webhooks.message webhooks.queue webhooks.retry"
    " webhooks.sending webhooks.signing encryption domain.addresses domain.contact"
)
SECRET_KEY = "api.payrex.secret_key encryption"

NEW_RESEND = f"{PARSE} {EVENTS} api.paygate.query api.paygate.event_query api.paygate.new_resend"
RESENDING = "store.webhook_endpoints store.resends webhooks.resending"

LOADS = {
    # function, and of its modules: ours, beside CORE; theirs, beside AWS
    "CreateCheckoutSession": (f"{API} {PARSE} api.paygate.new_session {SESSIONS}", PYDANTIC),
    "ListCheckoutSessions": (f"{API} {QUERY} {SESSIONS}", ""),
    "RetrieveCheckoutSession": (f"{API} {QUERY} {SESSIONS}", ""),
    "ExpireCheckoutSession": (f"{API} {QUERY} {SESSIONS} {WORDS}", ""),
    "CreateCustomer": (f"{API} {PARSE} api.paygate.new_customer {CUSTOMERS}", PYDANTIC),
    "ListCustomers": (f"{API} {QUERY} {CUSTOMERS}", ""),
    "RetrieveCustomer": (f"{API} {QUERY} {CUSTOMERS}", ""),
    "ListPayments": (f"{API} {QUERY} {PAYMENTS}", ""),
    "RetrievePayment": (f"{API} {QUERY} {PAYMENTS}", ""),
    "CreateRefund": (f"{API} {PARSE} api.paygate.new_refund {REFUNDING} {WORDS}", PYDANTIC),
    "ListRefunds": (f"{API} {QUERY} {REFUNDS}", ""),
    "RetrieveRefund": (f"{API} {QUERY} {REFUNDS}", ""),
    "CreateWebhook": (
        f"{API} {PARSE} {ENDPOINT} api.paygate.new_endpoint api.paygate.webhook_secret"
        f" {ENDPOINTS} encryption webhooks.signing",
        PYDANTIC,
    ),
    "ListWebhooks": (f"{API} {QUERY} {ENDPOINTS}", ""),
    "RetrieveWebhook": (f"{API} {QUERY} {ENDPOINTS}", ""),
    "UpdateWebhook": (
        f"{API} {PARSE} {ENDPOINT} api.paygate.endpoint_changes {ENDPOINTS}",
        PYDANTIC,
    ),
    "DeleteWebhook": (f"{API} {QUERY} {ENDPOINTS}", ""),
    "ListEvents": (f"{API} {QUERY} {EVENTS} api.paygate.event_query", ""),
    "RetrieveEvent": (f"{API} {QUERY} {EVENTS}", ""),
    "ListEventDeliveries": (f"{API} {QUERY} {DELIVERIES}", ""),
    "ResendEvent": (f"{API} {NEW_RESEND} {FAN_OUT} {RESENDING}", PYDANTIC),
    "ResendEvents": (f"{API} {NEW_RESEND} {FAN_OUT} {RESENDING}", PYDANTIC),
    "RetrieveEventResend": (f"{API} {QUERY} store.idempotency store.resends store.timers", ""),
    "TestWebhook": (f"{API} {NEW_RESEND} {ENDPOINTS} api.paygate.sample_event", PYDANTIC),
    "RotateWebhook": (
        f"{API} {NEW_RESEND} {ENDPOINTS} api.paygate.webhook_secret encryption webhooks.signing",
        PYDANTIC,
    ),
    "PayrexCreateCheckoutSession": (f"{PAYREX} {FORM} {SESSIONS}", ""),
    "PayrexListCheckoutSessions": (f"{PAYREX} {LISTED} {SESSIONS}", ""),
    "PayrexRetrieveCheckoutSession": (f"{PAYREX} {SESSIONS}", ""),
    "PayrexExpireCheckoutSession": (f"{PAYREX} {SESSIONS} {WORDS}", ""),
    "PayrexRetrievePaymentIntent": (f"{PAYREX} {SESSIONS}", ""),
    "PayrexCancelPaymentIntent": (f"{PAYREX} {SESSIONS} {WORDS}", ""),
    "PayrexRetrievePayment": (f"{PAYREX} {PAYMENTS}", ""),
    "PayrexUpdatePayment": (f"{PAYREX} {FORM} {PAYMENTS}", ""),
    "PayrexCreateRefund": (f"{PAYREX} {FORM} {REFUNDING} {WORDS}", ""),
    "PayrexUpdateRefund": (f"{PAYREX} {FORM} {REFUNDS}", ""),
    "PayrexCreateCustomer": (f"{PAYREX} {FORM} {CUSTOMERS}", ""),
    "PayrexListCustomers": (f"{PAYREX} {LISTED} {CUSTOMERS}", ""),
    "PayrexRetrieveCustomer": (f"{PAYREX} {CUSTOMERS}", ""),
    "PayrexUpdateCustomer": (f"{PAYREX} {FORM} {CUSTOMERS}", ""),
    "PayrexDeleteCustomer": (f"{PAYREX} {CUSTOMERS}", ""),
    "PayrexCreateWebhook": (f"{PAYREX} {FORM} {SECRET_KEY} {ENDPOINTS}", ""),
    "PayrexListWebhooks": (f"{PAYREX} {LISTED} {SECRET_KEY} {ENDPOINTS}", ""),
    "PayrexRetrieveWebhook": (f"{PAYREX} {SECRET_KEY} {ENDPOINTS}", ""),
    "PayrexUpdateWebhook": (f"{PAYREX} {FORM} {SECRET_KEY} {ENDPOINTS}", ""),
    "PayrexDeleteWebhook": (f"{PAYREX} {ENDPOINTS}", ""),
    "PayrexEnableWebhook": (f"{PAYREX} {SECRET_KEY} {ENDPOINTS}", ""),
    "PayrexDisableWebhook": (f"{PAYREX} {SECRET_KEY} {ENDPOINTS}", ""),
    "RefuseRoute": (f"{API} api.payrex.render api.routes", ""),
    "ShowPage": (f"{PAGE} {PROCESSOR} {PAYMENTS} api.http {WORDS}", JINJA),
    "PayPage": (f"{PAGE} {PROCESSOR} {PAYMENTS} api.http {WORDS}", JINJA),
    "ReceiveStripeEvent": (
        f"{PROCESSOR} api.http api.stripe_notifications {WORDS} domain.account store.accounts",
        "",
    ),
    "ShowApproval": (f"{PAGE} page.simulated_wallet {PROCESSOR} {PAYMENTS} api.http {WORDS}", JINJA),
    "DecideApproval": (f"{PAGE} page.simulated_wallet {PROCESSOR} {PAYMENTS} api.http {WORDS}", JINJA),
    "FanOutEvents": (f"partial_batches {FAN_OUT} {ENDPOINTS}", ""),
    "SendWebhook": (f"partial_batches {SENDER} {ENDPOINTS} {DELIVERIES} {WEBHOOK_REQUESTS}", ""),
    "FireTimers": (
        f"partial_batches firing {FAN_OUT} {RESENDING} {ENDPOINTS} {PROCESSOR} {PAYMENTS} api.http {WORDS}"
        " domain.account store.accounts",
        "",
    ),
}

START = """
import os
compiled = []
def hear(event, given):
    if event == "compile" and str(given[1]).endswith(".py"):
        compiled.append(str(given[1]))
sys.addaudithook(hear)

import handler

loaded = {
    name: module for name, module in sys.modules.items()
    if "/opt/" in (file := getattr(module, "__file__", None) or "") or "/task/" in file
}
print(json.dumps({
    "ours": [name.partition(".")[2] for name, module in loaded.items()
             if name.startswith("checkout.") and not hasattr(module, "__path__")],
    "theirs": list({name.partition(".")[0] for name in loaded} - {"checkout", "handler"}),
    "compiled": compiled,
    "uncached": [name for name, module in loaded.items()
                 if module.__file__.endswith(".py") and not os.path.exists(module.__cached__)],
    "clients": sys.modules["checkout.store.table"].open_table.cache_info().currsize,
}))
"""


def test_every_function_is_listed(artifact: Artifact) -> None:
    assert LOADS.keys() == set(artifact.functions)


@pytest.mark.parametrize("function", LOADS)
def test_a_function_loads_what_it_uses_and_all_of_it_from_bytecode(
    artifact: Artifact, function: str
) -> None:
    ours, theirs = LOADS[function]

    start = artifact.run(function, START)

    assert set(start["ours"]) == set(f"{CORE} {ours}".split())
    assert set(start["theirs"]) == set(f"{AWS} {theirs}".split())
    assert start["compiled"] == []
    assert start["uncached"] == []
    assert start["clients"] == 1  # made while the function starts


def test_stripe_is_not_loaded_before_an_account_needs_it() -> None:
    """It is of 57 ms of CPU, and KMS's client of 10: no other account's shoppers wait for them."""
    for function, (ours, theirs) in LOADS.items():
        assert "stripe" not in theirs
        assert "stripe_intents" not in ours
        assert "encryption" not in ours or "Webhook" in function


def test_a_compilation_would_be_noticed(artifact: Artifact) -> None:
    compiling = START.replace("import handler", "compile('1', 'x.py', 'eval')\nimport handler")

    assert artifact.run("RefuseRoute", compiling)["compiled"] == ["x.py"]
