"""PayRex's parameters (seed; contract, section 6.1): everything that is wrong is said at once.

Text is all a form has, and the SDKs write the same thing differently: nothing is an empty value or
the word `None`. `Reader` is where that ends.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from checkout.api.http import Request
from checkout.api.payrex.form import Group, ShapeError, as_list, as_map, parse
from checkout.api.payrex.render import (
    EVENT_TYPES,
    REFUND_REASONS,
    payment_intent_id,
    render_customer,
)
from checkout.domain import session as domain
from checkout.domain.account import Caller
from checkout.domain.addresses import is_endpoint_url
from checkout.domain.contact import (
    EMAIL,
    EMAIL_LENGTH,
    MAX_URL,
    is_web_url,
)
from checkout.domain.customer import Customer
from checkout.domain.errors import (
    BodyInvalidError,
    InvalidRequestError,
    ManyInvalidError,
    ParameterAboveMaximumError,
    ParameterBelowMinimumError,
    ParameterInvalidError,
    ParameterMissingError,
    ParameterTypeError,
)
from checkout.domain.ids import (
    CUSTOMER,
    LINE_ITEM,
    SESSION,
    WEBHOOK,
    new_id,
    random_text,
)
from checkout.domain.refund import RefundOrder
from checkout.domain.session import LineItem, Session
from checkout.domain.webhook_endpoint import WebhookEndpoint
from checkout.settings import settings

METHODS = ("card", "gcash", "maya", "qrph")
SUBMIT_TYPES = ("pay", "book", "donate", "send")
MIN_AMOUNT, MAX_AMOUNT = 2_000, 5_999_999_999
MAX_LINE_ITEMS, MAX_QUANTITY = 100, 1_000_000
MAX_TEXT = 1_000
MAX_METADATA_KEYS, MAX_METADATA_KEY, MAX_METADATA_VALUE = 50, 100, 1_000
SECRET_LENGTH = 32

NOTHING = ("", "None")
_INTEGER = re.compile(r"-?\d{1,15}", re.ASCII)
_PREFIX = re.compile(r"[A-Z0-9]{3,15}", re.ASCII)
_DESCRIPTOR = re.compile(r"(?=.*[A-Za-z])[^<>\\'\"*]{5,22}", re.ASCII)


def parse_body(request: Request) -> Group:
    """The form a request carries. Raises InvalidRequestError."""
    try:
        return parse(request.body().decode())
    except UnicodeDecodeError:
        raise BodyInvalidError("The body is not UTF-8.") from None
    except ShapeError as error:
        raise ParameterTypeError("A parameter is given in two shapes.", error.parameter) from None


class Reader:
    """Reads named parameters of a form and keeps what is wrong; `finish` raises it, all at once."""

    def __init__(self, form: Group, path: str = "", errors: Any = None) -> None:
        self._form = form
        self._path = path
        self.errors: list[InvalidRequestError] = [] if errors is None else errors

    def finish(self) -> None:
        if len(self.errors) > 1:
            raise ManyInvalidError(self.errors)
        if self.errors:
            raise self.errors[0]

    def names(self, name: str) -> str:
        return f"{self._path}[{name}]" if self._path else name

    def has(self, name: str) -> bool:
        return name in self._form.entries

    def fail(self, kind: type[ParameterInvalidError], name: str, words: str) -> None:
        parameter = self.names(name)
        self.errors.append(kind(f"{parameter} {words}.", parameter))

    def text(self, name: str, *, required: bool = False, limit: int = MAX_TEXT) -> str | None:
        value = self._form.entries.get(name, "")
        if isinstance(value, Group):
            self.fail(ParameterTypeError, name, "must be a string")
            return None
        if value in NOTHING:
            if required:
                self.errors.append(ParameterMissingError(self.names(name)))
            return None
        if len(value) > limit:
            self.fail(ParameterInvalidError, name, f"must have at most {limit} characters")
            return None
        return value

    def integer(self, name: str, low: int, high: int, *, required: bool = False) -> int | None:
        text = self.text(name, required=required)
        if text is None:
            return None
        if not _INTEGER.fullmatch(text):
            self.fail(ParameterTypeError, name, "must be an integer")
        elif int(text) < low:
            self.fail(ParameterBelowMinimumError, name, f"must be at least {low}")
        elif int(text) > high:
            self.fail(ParameterAboveMaximumError, name, f"must be at most {high}")
        else:
            return int(text)
        return None

    def choice(self, name: str, allowed: tuple[str, ...], *, required: bool = False) -> str | None:
        text = self.text(name, required=required)
        if text is not None and text not in allowed:
            self.fail(ParameterInvalidError, name, f"must be one of {', '.join(allowed)}")
            return None
        return text

    def matching(
        self, name: str, fits: Callable[[str], Any], words: str, *, required: bool = False
    ) -> str | None:
        text = self.text(name, required=required, limit=MAX_URL)
        if text is not None and not fits(text):
            self.fail(ParameterInvalidError, name, words)
            return None
        return text

    def url(self, name: str, *, required: bool = False) -> str | None:
        return self.matching(name, is_web_url, "must be an http or https URL", required=required)

    def choices(
        self, name: str, allowed: tuple[str, ...], *, required: bool = False
    ) -> tuple[str, ...]:
        """A list of different ones of `allowed`, in the order given."""
        before = len(self.errors)
        chosen = [value for value in self._list(name) if value not in NOTHING]
        if not chosen and required and len(self.errors) == before:
            self.errors.append(ParameterMissingError(self.names(name)))
        if any(value not in allowed for value in chosen):
            self.fail(ParameterInvalidError, name, f"must be among {', '.join(allowed)}")
        elif len(set(map(str, chosen))) < len(chosen):
            self.fail(ParameterInvalidError, name, "must not repeat itself")
        return tuple(map(str, chosen))

    def maps(self, name: str, *, required: bool = False) -> list["Reader"]:
        """A list of maps, each with a reader of its own; what is wrong is kept here."""
        before = len(self.errors)
        elements = self._list(name)
        readers = []
        for place, element in enumerate(elements):
            path = f"{self.names(name)}[{place}]"
            if isinstance(element, Group):
                readers.append(Reader(element, path, self.errors))
            elif element not in NOTHING:
                self.errors.append(ParameterTypeError(f"{path} must be a map.", path))
        if required and not readers and len(self.errors) == before:
            self.errors.append(ParameterMissingError(self.names(name)))
        return readers

    def map(self, name: str) -> "Reader | None":
        value = self._form.entries.get(name, "")
        if value in NOTHING:
            return None
        if not isinstance(value, Group) or value.items:
            self.fail(ParameterTypeError, name, "must be a map")
            return None
        return Reader(value, self.names(name), self.errors)

    def texts(self) -> dict[str, str]:
        """All of a map's values, which must be text."""
        found = {}
        for key, value in as_map(self._form).items():
            if isinstance(value, Group):
                self.fail(ParameterTypeError, key, "must be a string")
            else:
                found[key] = value
        return found

    def tree(self) -> Any:
        """The map as it is, for what is only given back."""
        return _plain(self._form)

    def _list(self, name: str) -> "list[str | Group]":
        try:
            return as_list(self._form.entries.get(name, Group()))
        except ShapeError:
            self.fail(ParameterTypeError, name, "must be a list")
            return []


def new_session(
    caller: Caller, request: Request, form: Group, customer: Customer | None
) -> Session:
    """A session of a create request. Raises the error, or errors, of its parameters."""
    reader = Reader(form)
    reader.choice("currency", ("PHP",), required=True)
    items = [_line_item(each) for each in reader.maps("line_items", required=True)]
    if len(items) > MAX_LINE_ITEMS:
        reader.fail(ParameterAboveMaximumError, "line_items", f"must be at most {MAX_LINE_ITEMS}")
    total = sum(item.amount * item.quantity for item in items)
    if not reader.errors:
        _check_total(reader, total)
    now = request.now
    expires_at = reader.integer("expires_at", now + 1, 99_999_999_999)
    id = new_id(SESSION)
    client_secret = f"{id}_secret_{random_text(SECRET_LENGTH)}"
    session = domain.new_session(
        caller,
        id=id,
        amount=total,
        currency="PHP",
        success_url=reader.url("success_url", required=True) or "",
        cancel_url=reader.url("cancel_url", required=True) or "",
        url=f"{request.page_url()}/c/{client_secret}",
        expires_at=expires_at,
        now=now,
        methods=reader.choices("payment_methods", METHODS) or METHODS,
        metadata=metadata(reader),
        customer=customer.id if customer else None,
        customer_email=customer.email if customer else None,
    )
    session = replace(
        session,
        description=reader.text("description"),
        line_items=tuple(items),
        submit_type=reader.choice("submit_type", SUBMIT_TYPES) or "pay",
        client_secret=client_secret,
        details=_details(reader, id, customer),
    )
    reader.finish()
    return session


def customer_id(form: Group) -> str | None:
    reader = Reader(form)
    found = reader.text("customer_id", limit=64)
    reader.finish()
    return found


def new_customer(caller: Caller, request: Request, form: Group) -> Customer:
    reader = Reader(form)
    reader.choice("currency", ("PHP",), required=True)
    prefix = reader.matching("billing_statement_prefix", _PREFIX.fullmatch, _PREFIX_WORDS)
    customer = Customer(
        id=new_id(CUSTOMER),
        scope=caller.scope,
        name=reader.text("name", required=True),
        email=reader.matching("email", _is_email, "must be an e-mail address", required=True),
        metadata=metadata(reader),
        created_at=request.now,
        updated_at=request.now,
        details={
            "currency": "PHP",
            "billing": _billing(reader),
            "billing_statement_prefix": prefix or random_text(8).upper(),
        },
    )
    reader.finish()
    return customer


def customer_changes(customer: Customer, form: Group) -> dict[str, Any]:
    """What a PUT sets: the parameters given, and no other."""
    reader = Reader(form)
    changes: dict[str, Any] = {}
    details = dict(customer.details)
    if reader.has("currency"):
        reader.choice("currency", ("PHP",), required=True)
    if reader.has("name"):
        changes["name"] = reader.text("name", required=True)
    if reader.has("email"):
        words = "must be an e-mail address"
        changes["email"] = reader.matching("email", _is_email, words, required=True)
    if reader.has("metadata"):
        changes["metadata"] = metadata(reader)
    if reader.has("billing_details"):
        details["billing"] = _billing(reader)
    if reader.has("billing_statement_prefix"):
        name = "billing_statement_prefix"
        details[name] = reader.matching(name, _PREFIX.fullmatch, _PREFIX_WORDS, required=True)
    reader.finish()
    return changes | {"details": details}


def payment_changes(form: Group) -> dict[str, Any]:
    reader = Reader(form)
    changes: dict[str, Any] = {}
    if reader.has("description"):
        changes["description"] = reader.text("description")
    if reader.has("metadata"):
        changes["metadata"] = metadata(reader)
    reader.finish()
    return changes


def refund_order(caller: Caller, form: Group) -> RefundOrder:
    reader = Reader(form)
    reader.choice("currency", ("PHP",), required=True)
    order = RefundOrder(
        scope=caller.scope,
        payment=reader.text("payment_id", required=True, limit=64) or "",
        named="payment_id",
        amount=reader.integer("amount", 1, MAX_AMOUNT, required=True),
        reason=reader.choice("reason", REFUND_REASONS, required=True),
        metadata=metadata(reader),
        description=reader.text("description"),
        remarks=reader.text("remarks"),
    )
    reader.finish()
    return order


def refund_changes(form: Group) -> dict[str, Any]:
    reader = Reader(form)
    changes = {"metadata": metadata(reader)} if reader.has("metadata") else {}
    reader.finish()
    return changes


def new_endpoint(
    caller: Caller, request: Request, form: Group, new_secret: Callable[[str], str]
) -> WebhookEndpoint:
    """`new_secret` makes a encrypted one for an id."""
    reader = Reader(form)
    url = _endpoint_url(reader) or ""
    event_types = reader.choices("events", EVENT_TYPES, required=True)
    description = reader.text("description")
    reader.finish()
    id = new_id(WEBHOOK)
    return WebhookEndpoint(
        id=id,
        scope=caller.scope,
        url=url,
        event_types=event_types,
        secret=new_secret(id),
        description=description,
        created_at=request.now,
        updated_at=request.now,
    )


def endpoint_changes(form: Group) -> dict[str, Any]:
    reader = Reader(form)
    changes: dict[str, Any] = {}
    if reader.has("url"):
        changes["url"] = _endpoint_url(reader)
    if reader.has("events"):
        changes["event_types"] = list(reader.choices("events", EVENT_TYPES, required=True))
    if reader.has("description"):
        changes["description"] = reader.text("description")
    reader.finish()
    return changes


def metadata(reader: Reader) -> dict[str, str]:
    within = reader.map("metadata")
    values = within.texts() if within else {}
    if len(values) > MAX_METADATA_KEYS:
        reader.fail(ParameterInvalidError, "metadata", f"may have {MAX_METADATA_KEYS} keys")
    for key, value in values.items():
        if not 0 < len(key) <= MAX_METADATA_KEY or len(value) > MAX_METADATA_VALUE:
            words = f"has a key over {MAX_METADATA_KEY} or a value over {MAX_METADATA_VALUE} long"
            reader.fail(ParameterInvalidError, "metadata", words)
            break
    return values


def _line_item(reader: Reader) -> LineItem:
    return LineItem(
        id=new_id(LINE_ITEM),
        name=reader.text("name", required=True) or "",
        amount=reader.integer("amount", 1, MAX_AMOUNT, required=True) or 0,
        quantity=reader.integer("quantity", 1, MAX_QUANTITY, required=True) or 0,
        description=reader.text("description"),
        image=reader.url("image"),
    )


def _check_total(reader: Reader, total: int) -> None:
    if total < MIN_AMOUNT:
        words = f"is {total} in all and must be at least {MIN_AMOUNT}"
        reader.fail(ParameterBelowMinimumError, "amount", words)
    elif total > MAX_AMOUNT:
        words = f"is {total} in all and must be at most {MAX_AMOUNT}"
        reader.fail(ParameterAboveMaximumError, "amount", words)


def _details(reader: Reader, id: str, customer: Customer | None) -> dict[str, Any]:
    collection = reader.choice("billing_details_collection", ("always", "auto"))
    words = "must have 5 to 22 characters, a letter among them and none of < > \\ ' \" *"
    descriptor = reader.matching("statement_descriptor", _DESCRIPTOR.fullmatch, words)
    return {
        "billing_details_collection": collection or "always",
        "customer_reference_id": reader.text("customer_reference_id"),
        "statement_descriptor": descriptor,
        "payment_method_options": _method_options(reader),
        "payment_intent_secret": f"{payment_intent_id(id)}_secret_{random_text(SECRET_LENGTH)}",
        "customer": render_customer(customer) if customer else None,
    }


def _method_options(reader: Reader) -> dict[str, Any]:
    options = reader.map("payment_method_options")
    card = options.map("card") if options else None
    if card:
        card.choice("capture_type", ("automatic", "manual"))
    given = options.tree() if options else {}
    return given | {"card": {"capture_type": "automatic"} | (card.tree() if card else {})}


def _billing(reader: Reader) -> Any:
    billing = reader.map("billing_details")
    return billing.tree() if billing else None


_PREFIX_WORDS = "must be 3 to 15 upper case letters and digits"


def _endpoint_url(reader: Reader) -> str | None:
    return reader.matching("url", _is_endpoint_url, "must be a public HTTPS URL", required=True)


def _is_email(text: str) -> bool:
    return len(text) <= EMAIL_LENGTH and EMAIL.fullmatch(text) is not None


def _is_endpoint_url(text: str) -> bool:
    return is_endpoint_url(text, settings().allow_local_endpoints)


def _plain(node: "str | Group") -> Any:
    if isinstance(node, str):
        return node
    return [_plain(each) for each in node.items] or {
        key: _plain(value) for key, value in node.entries.items()
    }
