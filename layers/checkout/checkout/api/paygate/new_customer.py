"""PayGate's customer, as a body asks for one (contract, section 5)."""

from checkout.api.http import Request
from checkout.api.paygate.parse import Body, Email, Metadata, Phone, Text
from checkout.domain.account import Caller
from checkout.domain.customer import Customer
from checkout.domain.ids import CUSTOMER, new_id


class CreateCustomer(Body):
    email: Email | None = None
    name: Text | None = None
    phone: Phone | None = None
    metadata: Metadata | None = None


def new_customer(caller: Caller, request: Request, wanted: CreateCustomer) -> Customer:
    return Customer(
        id=new_id(CUSTOMER),
        scope=caller.scope,
        email=wanted.email,
        name=wanted.name,
        phone=wanted.phone,
        metadata=wanted.metadata or {},
        created_at=request.now,
        updated_at=request.now,
    )
