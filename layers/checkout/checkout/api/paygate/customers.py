"""PayGate's customers (docs/contracts/paygate.md, section 6)."""

from checkout.api.authentication import Call
from checkout.api.http import encode_json
from checkout.api.paygate.parse import Email, IdempotentParams, Metadata, Phone, Text
from checkout.api.paygate.render import render_customer
from checkout.domain.customer import Customer
from checkout.domain.ids import CUSTOMER, new_id
from checkout.store import customers
from checkout.store.idempotency import Creation


class CreateCustomer(IdempotentParams):
    email: Email = None
    name: Text | None = None
    phone: Phone = None
    metadata: Metadata | None = None


def prepare_customer(call: Call, params: CreateCustomer) -> Creation:
    customer = Customer(
        id=new_id(CUSTOMER),
        scope=call.scope,
        email=params.email,
        name=params.name,
        phone=params.phone,
        metadata=params.metadata or {},
        created_at=call.now,
        updated_at=call.now,
    )
    return customers.prepare_creation(customer, encode_json(render_customer(customer)))
