"""Renders the hosted page: the screen of a session's state, its texts and its HTTP headers."""

import json
import secrets
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from markupsafe import escape

from checkout.api.http import Request, Response
from checkout.domain.account import Merchant, is_live
from checkout.domain.card_brands import BRANDS
from checkout.domain.contact import EMAIL, is_web_url, phone_number
from checkout.domain.errors import CheckoutError
from checkout.domain.mobile_networks import NETWORK_NAMES, NETWORK_PREFIXES
from checkout.domain.money import NO_BREAK, format_amount
from checkout.domain.payment import (
    GIVEN_UP,
    PAGE_LOOKUP_SECONDS,
    Failure,
    Payment,
    PaymentStatus,
)
from checkout.domain.session import Session, Status
from checkout.page import line_items, receipt
from checkout.page.catalogues.countries import likely_countries
from checkout.page.formats import format_countdown, format_duration
from checkout.page.forms import BILLING
from checkout.page.language import NAMES, Translate, choose_language, translator
from checkout.page.palette import Palette, palette_of
from checkout.page.templating import templates
from checkout.page.tokens import (
    code_token,
    decision_token,
    end_token,
    language_token,
    recovery_token,
    token_of,
    with_return_key,
)
from checkout.processors.protocol import (
    CardEntry,
    NextStep,
    Processor,
    Redirect,
    TestInstrument,
)
from checkout.settings import settings

RETURN_SECONDS = 10
"""Seconds after a payment at which the page returns to the shop, even if the merchant has not
answered the webhooks by then."""
WAITING_SECONDS, RETURNING_SECONDS = 3, 1
"""Poll intervals of the page's script while a payment is in flight, and after it."""
OPEN_SECONDS, LEFT_SECONDS = 15, 5
"""Poll intervals of a page that can be paid, and of one that the shopper left. Somebody else, or a
form that was sent before and arrives late, may change the session."""
RELOAD_SECONDS = 5
"""Reload interval of a waiting page without scripts."""
CLOSING_SECONDS = 600
"""How long before its end a session that can be paid shows the time left."""
WITHOUT_QUERY = "?"
"""The page's own address, in fewer bytes than its path."""
LONGEST_TIMER = 20 * 86_400
"""The longest timer in the page, in seconds. Browsers' timers overflow after about 24 days."""
DESCRIPTION_LENGTH = 100
SPARE_BYTES = 4_400
"""How much of the page's 30 kB is left for line items and what only some pages have: a description,
test numbers, fields for billing details, and errors."""
TEST_BYTES, BILLING_BYTES, ERROR_BYTES = 1_300, 2_200, 700
FORM_BYTES = 4_000
"""What a page without the form for paying has less. It has room for more line items."""
COUNTRY = "PH"
"""The country of most billing addresses: only PayRex collects them."""
CODE_LENGTH = 10
"""The most characters of a code that a shopper types."""

PERMISSIONS = "camera=(), display-capture=(), geolocation=(), microphone=(), usb=()"
"""What no page may use, not even a processor's script."""
ERROR_TEXTS = {404: "unknown", 429: "limited"}
"""The catalogue's name for the texts of an error, by status."""

HOLDS = MappingProxyType(
    {
        PaymentStatus.AUTHORIZED: "held",
        PaymentStatus.CAPTURING: "held",
        PaymentStatus.VOIDING: "released",
        PaymentStatus.VOIDED: "released",
    }
)
"""The catalogue's name for the texts of a paid session whose money was not taken."""
NOTHING: Mapping[str, str] = MappingProxyType({})
NOTICES = ("stale", "not_ended")
"""What a redirect to the page may have to say: names of query parameters and catalogue keys."""


class Visit(NamedTuple):
    """A shopper's request for a session's page: all that the page depends on."""

    session: Session
    merchant: Merchant
    processors: Mapping[str, Processor]
    """By payment method. Empty if the merchant can't take payments in this mode."""
    language: str
    now: int
    payment: Payment | None = None
    """The payment in flight, or else the one that the request names."""
    paid_by: Payment | None = None
    """The payment that completed the session."""
    next_step: NextStep | None = None
    """What the shopper does next for the payment in flight."""
    lookup_skipped: bool = False
    """Whether the processor was not asked about the payment in flight, because another request
    asked it a moment ago. Then `next_step` is not known."""
    approval_path: str | None = None
    """The simulated page where the shopper approves the payment in flight, without its key."""
    webhooks_done: bool = False
    """Whether no webhook about the session's end is still to be delivered."""
    first_item: int | None = None
    """The place of a line item from which the page shows nothing but the list, because not all
    items fit into a page that can be paid."""
    is_canceled: bool = False
    """Whether the shopper followed the cancel link. The session stays open."""
    notice: str | None = None
    """One of NOTICES."""
    errors: Mapping[str, str] = NOTHING
    """Catalogue keys by form field."""
    entered: Mapping[str, str] = NOTHING
    """The submitted form's values, without the card."""

    @property
    def page_path(self) -> str:
        return page_path(self.session)

    @property
    def methods(self) -> list[str]:
        """Payment methods that both the session and one of the processors allow."""
        return [each for each in self.session.methods if each in self.processors]

    @property
    def blocks(self) -> dict[str, int]:
        """The seconds for which methods are blocked, because too many attempts failed."""
        until = {each: self.session.blocked_until(each) for each in self.methods}
        return {each: at - self.now for each, at in until.items() if at > self.now}

    @property
    def card_at_processor(self) -> bool:
        """Whether cards are typed at a processor and not into a form of ours."""
        return "card" in self.processors and self.processors["card"].card_at_processor

    @property
    def offers_receipt(self) -> bool:
        """Whether the shopper may ask for a receipt by e-mail."""
        return bool(settings().receipt_sender)

    @property
    def just_paid(self) -> bool:
        return self.payment is not None and self.session.payment == self.payment.id

    @property
    def hold(self) -> str | None:
        """The catalogue's name for the texts about held money; None if the money was taken."""
        status = self.session.hold_at(self.now)
        return HOLDS.get(status) if status else None

    @property
    def returns_to_shop(self) -> bool:
        """Whether the page redirects to the shop now."""
        waited = self.now - self.session.updated_at
        return self.just_paid and (self.webhooks_done or waited >= RETURN_SECONDS)


def screen_of(visit: Visit) -> str:
    """The name of the visit's screen and of its template."""
    session, payment = visit.session, visit.payment
    status = session.status_at(visit.now)
    if visit.first_item is not None:
        return "more_items"
    if payment and payment.failure is Failure.TOO_LATE:
        return "late_payment"
    if status is not Status.OPEN:
        return status.value
    return _screen_of_attempt(visit) if session.attempt else _screen_of_open(visit)


def _screen_of_open(visit: Visit) -> str:
    """The screen of an open session without a payment in flight."""
    if not visit.methods:
        return "suspended" if visit.merchant.suspended_at else "unavailable"
    if len(visit.blocks) == len(visit.methods):
        return "blocked"
    return "canceled" if visit.is_canceled else "open"


def _screen_of_attempt(visit: Visit) -> str:
    """The screen of a payment in flight."""
    if visit.payment and visit.payment.wants_code:
        return "code_entry"
    return "card_entry" if isinstance(visit.next_step, CardEntry) else "waiting"


def render_visit(visit: Visit) -> Response:
    screen = screen_of(visit)
    t = translator(visit.language)
    context = _common_context(visit, screen, t) | CONTEXTS.get(screen, _no_context)(visit, t)
    status = 422 if visit.errors else 200
    step = visit.next_step if screen == "card_entry" else None
    card_entry = step if isinstance(step, CardEntry) else None
    return _html(screen, status, visit.language, context, card_entry)


def render_state(visit: Visit) -> Response:
    """The answer to the page's script, which polls for changes."""
    return _response(json.dumps({"state": _state(visit, screen_of(visit))}), "application/json")


def render_message(name: str, status: int, language: str) -> Response:
    t = translator(language)
    context = {"title": t(f"{name}_title"), "text": t(f"{name}_text")}
    return _html("message", status, language, context)


def render_error(error: CheckoutError, request: Request | None = None) -> Response:
    """Renders an error as an HTML page in the shopper's language."""
    language = choose_language(request.header("accept-language") if request else None)
    name = ERROR_TEXTS.get(error.status, "broken" if error.status >= 500 else "refused")
    return render_message(name, error.status, language)


def render_simulated_wallet(
    payment: Payment, visit: Visit, method: str, action: str, back: str | None, is_pending: bool
) -> Response:
    """The simulated wallet's page for one payment. `back` is the checkout page's address, if the
    shopper came from there."""
    t = translator(visit.language)
    pending_title = t("simulator_title", method=method)
    context = {
        "title": pending_title if is_pending else t("simulator_decided_title"),
        "method": method,
        "merchant": visit.merchant.name,
        "palette": palette_of(visit.merchant.colour),
        "amount": format_amount(payment.amount, payment.currency, visit.language),
        "action": action,
        "token": decision_token(visit.session, payment),
        "is_pending": is_pending,
        "back": back,
    }
    return _html("simulated_wallet", 200, visit.language, context)


def redirect(location: str) -> Response:
    return Response("", 303, {"location": location})


def page_path(session: Session) -> str:
    """The path of the session's page."""
    return urlsplit(session.url).path


def _common_context(visit: Visit, screen: str, t: Translate) -> dict[str, Any]:
    """The template variables that all screens of a session have."""
    session = visit.session
    amount = format_amount(session.amount, session.currency, visit.language)
    payment = visit.payment
    description = line_items.shortened(session.description or "", DESCRIPTION_LENGTH)
    live = is_live(session.scope)
    about = _about(visit.merchant, t)
    texts = [description, *(text for link in about for text in link if text)]
    spare = SPARE_BYTES - sum(len(escape(text).encode()) for text in texts)
    spare -= TEST_BYTES * (not live) + ERROR_BYTES * bool(visit.errors)
    if session.billing_collection == "always":
        spare -= BILLING_BYTES
    if visit.first_item is not None:
        spare += FORM_BYTES
    items, more_items = line_items.lines(session, visit.language, spare, visit.first_item)
    logo = visit.merchant.logo or ""
    return {
        "session": session,
        "title": _title(visit, screen, amount, t),
        "state": _state(visit, screen),
        "merchant": visit.merchant.name,
        "logo": logo if logo.startswith("https://") and is_web_url(logo) else None,
        "palette": palette_of(visit.merchant.colour),
        "amount": amount,
        "description": description,
        "live": live,
        "page": visit.page_path,
        "items": items,
        "more_items": more_items,
        "item_count": len(session.line_items),
        "first_item": visit.first_item,
        "about": about,
        "languages": NAMES,
        "language_token": language_token(session),
        "notice": visit.notice and t(visit.notice),
        "poll_url": "?poll=1"
        + (f"&attempt={payment.id}" if payment else "")
        + ("&canceled=1" if screen == "canceled" else ""),
        "failure": _failure(visit, t),
        "poll_seconds": None,
        "reload_as_page": False,
        "redirects": False,
    } | _reload_at(visit, session.lapses_at if screen in ("open", "canceled") else visit.now)


def _about(merchant: Merchant, t: Translate) -> list[tuple[str, str | None]]:
    """What the page's foot says about the seller: texts, and the addresses they lead to."""
    pages = ((t("terms"), merchant.terms), (t("privacy"), merchant.privacy))
    links = [(text, url) for text, url in pages if url and is_web_url(url)]
    operator = [(merchant.operator, None)] if merchant.operator else []
    return [*operator, *_support(merchant.support), *links]


def _support(support: str | None) -> list[tuple[str, str | None]]:
    """Where shoppers find help, with its link: a web page, a mailbox or a phone."""
    if not support:
        return []
    if is_web_url(support):
        return [(support.partition("://")[2].removesuffix("/"), support)]
    if EMAIL.fullmatch(support):
        return [(support, f"mailto:{quote(support, safe='@')}")]
    phone = phone_number(support)
    return [(support, f"tel:{phone}" if phone else None)]


def _title(visit: Visit, screen: str, amount: str, t: Translate) -> str:
    if screen == "open":
        return t("failed_title") if _failure(visit, t) else t("open_title", amount=amount)
    if screen == "complete" and visit.hold:
        return t(f"{visit.hold}_title")
    if screen == "complete" and not visit.just_paid:
        return t("complete_again_title")
    return t(f"{screen}_title")


def _open_context(visit: Visit, t: Translate) -> dict[str, Any]:
    session = visit.session
    bank = visit.processors.get("bank_transfer")
    previous = visit.payment
    seconds = session.lapses_at - visit.now
    return {
        "errors": {field: t(key) for field, key in visit.errors.items()},
        "first_error": next(iter(visit.errors), None),
        "email": visit.entered.get("email", session.customer_email or ""),
        "offers_receipt": visit.offers_receipt,
        "wants_receipt": "receipt" in visit.entered or bool(previous and previous.receipt_language),
        "phone": visit.entered.get("phone")
        or (previous and previous.phone)
        or session.customer_phone
        or "",
        "network": visit.entered.get("network") or (previous and previous.provider),
        "billing": _billing(visit),
        "countries": likely_countries(visit.language),
        "token": token_of(session),
        "methods": {name: t(f"method_{name}") for name in visit.methods},
        "blocks": {name: format_duration(left) for name, left in visit.blocks.items()},
        "selected": _selected(visit),
        "poll_seconds": OPEN_SECONDS,
        "seconds_left": seconds,
        "closing_seconds": CLOSING_SECONDS,
        "clock": format_countdown(seconds),
        "card_at_processor": visit.card_at_processor,
        "card_entry_on_page": visit.card_at_processor
        and visit.processors["card"].card_entry_on_page,
        "bank_account": bank and bank.bank_account,
        "submit": session.submit_type or "pay",
        "reference": session.reference,
        "brands": ";".join(f"{name}:{digits}" for name, digits in BRANDS.values()),
        "networks": NETWORK_NAMES,
        "prefixes": ";".join(
            f"{name}:{','.join(prefixes)}" for name, prefixes in NETWORK_PREFIXES.items()
        ),
        "test_instruments": _test_instruments(visit, t),
    }


def _billing(visit: Visit) -> dict[str, str] | None:
    """The values of the fields for billing details; None if the page does not ask for all."""
    if visit.session.billing_collection != "always":
        return None
    previous = (visit.payment and visit.payment.billing) or {}
    known = previous | (previous.get("address") or {})
    typed = (
        {"country": COUNTRY, "billing_phone": previous.get("phone")} | known | dict(visit.entered)
    )
    return {name: typed.get(name) or "" for name in BILLING}


def _selected(visit: Visit) -> str:
    """The method whose fields are open."""
    payable = [each for each in visit.methods if each not in visit.blocks]
    previous = visit.payment.method if visit.payment else None
    wanted = (visit.entered.get("method"), previous)
    return next((each for each in wanted if each in payable), payable[0])


def _test_instruments(visit: Visit, t: Translate) -> dict[str, dict[str, str]]:
    """A number for each outcome, by payment method."""
    by_method: dict[str, dict[str, str]] = {}
    for each in _known_instruments(visit):
        if each.method in visit.methods:
            outcome = t(each.outcome, seconds=each.seconds)
            by_method.setdefault(each.method, {}).setdefault(outcome, each.number)
    return by_method


def _known_instruments(visit: Visit) -> Iterator[TestInstrument]:
    """The test numbers of each method, from the processor that takes it."""
    for processor in dict.fromkeys(visit.processors.values()):
        for each in processor.test_instruments(visit.session.api):
            if visit.processors.get(each.method) is processor:
                yield each


def _waiting_context(visit: Visit, t: Translate) -> dict[str, Any]:
    payment = visit.payment
    assert payment is not None  # noqa: S101 - this screen has a payment in flight
    seconds = max(0, payment.deadline_at - visit.now)
    path = visit.approval_path
    page = f"{visit.page_path}?attempt={payment.id}"
    if visit.lookup_skipped:
        again = {
            "reload_seconds": PAGE_LOOKUP_SECONDS,
            "reload_as_page": True,
            "refresh": _refresh(PAGE_LOOKUP_SECONDS, page),
        }
    else:
        again = {"poll_seconds": WAITING_SECONDS, "refresh": _refresh(RELOAD_SECONDS, page)}
    bank = visit.processors.get("bank_transfer")
    return {
        "method": payment.method,
        "approvable": payment.method not in ("card", "bank_transfer"),
        "phone": _grouped(payment.phone or ""),
        "network": NETWORK_NAMES.get(payment.provider or "", ""),
        "bank_account": bank and bank.bank_account,
        "reference": visit.session.reference,
        "end_token": end_token(visit.session, payment),
        "approval_path": with_return_key(visit.session, payment, path) if path else None,
        "next_step": visit.next_step if isinstance(visit.next_step, Redirect) else None,
        "qr": _qr(visit, path, t) if path and payment.method == "qrph" else None,
        "qr_picture": _qr_picture(visit, path) if path and payment.method == "qrph" else None,
        "seconds_left": seconds,
        "clock": format_countdown(seconds),
    } | again


def _code_entry_context(visit: Visit, _t: Translate) -> dict[str, Any]:
    payment = visit.payment
    assert payment is not None  # noqa: S101 - this screen has a payment in flight
    seconds = max(0, payment.deadline_at - visit.now)
    page = f"{visit.page_path}?attempt={payment.id}"
    return {
        "provider": payment.provider,
        "token": code_token(visit.session, payment),
        "errors": visit.errors,
        "was_sent": bool(payment.codes_sent),
        "code_length": CODE_LENGTH,
        "end_token": end_token(visit.session, payment),
        "seconds_left": seconds,
        "clock": format_countdown(seconds),
        # No `refresh` for browsers without scripts: a reload would empty the field.
        "poll_seconds": WAITING_SECONDS,
        "page_of_attempt": page,
    }


def _card_entry_context(visit: Visit, _t: Translate) -> dict[str, Any]:
    """This screen does not poll, because the processor's script learns the outcome before a poll
    would."""
    payment = visit.payment
    assert payment is not None  # noqa: S101 - this screen has a payment in flight
    seconds = max(0, payment.deadline_at - visit.now)
    return {
        "next_step": visit.next_step,
        "submit": visit.session.submit_type or "pay",
        "end_token": end_token(visit.session, payment),
        "seconds_left": seconds,
        "clock": format_countdown(seconds),
    } | _reload_at(visit, payment.deadline_at)


def _complete_context(visit: Visit, t: Translate) -> dict[str, Any]:
    paid_by = None if visit.hold == "released" else visit.paid_by
    context: dict[str, Any] = {
        "just_paid": visit.just_paid,
        "hold": visit.hold,
        "redirects": visit.returns_to_shop,
        "receipt": receipt.rows(visit.session, paid_by, visit.language, t) if paid_by else [],
        "receipt_comes": bool(paid_by and paid_by.receipt_language and paid_by.was_charged),
    }
    if visit.returns_to_shop:
        return context | {"refresh": _refresh(0, visit.session.return_url())}
    if visit.just_paid:
        url = f"{visit.page_path}?attempt={visit.session.payment}"
        return context | {
            "poll_seconds": RETURNING_SECONDS,
            "refresh": _refresh(RETURNING_SECONDS, url),
        }
    return context


def _canceled_context(visit: Visit, _t: Translate) -> dict[str, Any]:
    session = visit.session
    return {
        "time_left": format_duration(session.lapses_at - visit.now),
        "may_be_approved": session.latest_failure in GIVEN_UP,
        "poll_seconds": LEFT_SECONDS,
        "refresh": _refresh(LEFT_SECONDS, f"{visit.page_path}?canceled=1"),
    }


def _late_payment_context(visit: Visit, _t: Translate) -> dict[str, Any]:
    status = visit.session.status_at(visit.now)
    return {
        "payable": status is Status.OPEN,
        "paid": status is Status.COMPLETE,
    }


def _expired_context(visit: Visit, _t: Translate) -> dict[str, Any]:
    session = visit.session
    can_be = session.is_recoverable_at(visit.now)
    return {"recovery_token": recovery_token(session) if can_be else None}


def _blocked_context(visit: Visit, _t: Translate) -> dict[str, Any]:
    seconds = min(visit.blocks.values())
    return {
        "seconds_left": seconds,
        "clock": format_countdown(seconds),
    } | _reload_at(visit, visit.now + seconds)


def _no_context(_visit: Visit, _t: Translate) -> dict[str, Any]:
    return {}


CONTEXTS = {
    "open": _open_context,
    "waiting": _waiting_context,
    "card_entry": _card_entry_context,
    "code_entry": _code_entry_context,
    "complete": _complete_context,
    "canceled": _canceled_context,
    "expired": _expired_context,
    "late_payment": _late_payment_context,
    "blocked": _blocked_context,
}
"""The template variables of each screen, besides the common ones."""


def _state(visit: Visit, screen: str) -> str:
    """The state that the page's script compares to detect a change."""
    if screen == "complete" and visit.returns_to_shop:
        return f"{screen}-redirect"
    if screen == "canceled" and visit.session.latest_payment:
        return f"{screen}-after-attempt"
    return screen


def _reload_at(visit: Visit, at: int) -> dict[str, Any]:
    """Template variables by which the page reloads itself at `at`, by script or by meta refresh;
    empty if that is past or too far away."""
    seconds = at - visit.now
    if not 0 < seconds < LONGEST_TIMER:
        return {"reload_seconds": None, "refresh": None}
    return {"reload_seconds": seconds, "refresh": _refresh(seconds, WITHOUT_QUERY)}


def _refresh(seconds: int, url: str) -> dict[str, Any]:
    return {"seconds": seconds, "url": url}


def _failure(visit: Visit, t: Translate) -> str | None:
    """Why the payment failed, and whether it may still be charged, and then refunded."""
    if visit.payment is None or visit.payment.failure is None:
        return None
    failure = visit.payment.failure
    consequence = "late_money" if failure in GIVEN_UP else "not_charged"
    of_wallet = failure is Failure.CODE_INCORRECT and visit.payment.method == "mobile_money"
    reason = "failure_wallet_code_incorrect" if of_wallet else f"failure_{failure.value}"
    return f"{t(reason)} {t(consequence)}"


def _qr_picture(visit: Visit, path: str) -> str:
    from checkout.page import qr  # noqa: PLC0415 - takes 15 ms, and one method needs it

    return qr.picture(_absolute(visit, path))


def _qr(visit: Visit, path: str, t: Translate) -> str:
    from checkout.page import qr  # noqa: PLC0415 - takes 15 ms, and one method needs it

    return qr.draw(_absolute(visit, path), t("qr_label"))


def _absolute(visit: Visit, path: str) -> str:
    """A path on the page's host, as a URL."""
    parts = urlsplit(visit.session.url)
    return f"{parts.scheme}://{parts.netloc}{path}"


def _grouped(phone: str) -> str:
    """`0240000005` as `024 000 0005`, unbroken."""
    return NO_BREAK.join((phone[:3], phone[3:6], phone[6:]))


def _html(
    template: str,
    status: int,
    language: str,
    context: dict[str, Any],
    card_entry: CardEntry | None = None,
) -> Response:
    nonce = secrets.token_urlsafe(16)
    variables = {"palette": palette_of(None), "merchant": "", "session": None} | context
    variables["icon"] = _icon(variables["palette"], variables["merchant"])
    html = (
        templates()
        .get_template(f"{template}.html")
        .render(nonce=nonce, language=language, t=translator(language), **variables)
    )
    policy = _content_security_policy(nonce, card_entry)
    return _response(html, "text/html", status, language, policy)


def _icon(palette: Palette, merchant: str) -> str:
    """The page's icon, an SVG for a `data:` URL: the merchant's first letter in its colour. What
    markup needs is percent-encoded, apart from single quotes."""
    return quote(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'>"
        f"<rect width='32' height='32' rx='8' fill='{palette.brand}'/>"
        "<text x='16' y='23' style='font:700 20px sans-serif' "
        f"text-anchor='middle' fill='{palette.on_brand}'>{escape(merchant[:1])}</text></svg>",
        safe=" /:=',",
    )


def _content_security_policy(nonce: str, card_entry: CardEntry | None) -> str:
    """Allows the page's own style and script. The card entry screen also gets what the processor's
    script needs."""
    script, connects, frames = "", "", ""
    if card_entry:
        script, connects = f" {card_entry.script}", f" {' '.join(card_entry.connects)}"
        frames = f"; frame-src {' '.join(card_entry.frames)}"
    return (
        f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'{script}; "
        f"connect-src 'self'{connects}; form-action 'self'; img-src https: data:; "
        f"base-uri 'none'; frame-ancestors 'none'{frames}"
    )


def _response(
    body: str,
    type: str,
    status: int = 200,
    language: str | None = None,
    policy: str = "default-src 'none'; frame-ancestors 'none'",
) -> Response:
    headers = {
        "content-type": f"{type}; charset=utf-8",
        "content-security-policy": policy,
        "referrer-policy": "no-referrer",
        "permissions-policy": PERMISSIONS,
        "vary": "accept-language",
        "x-frame-options": "DENY",
        "x-robots-tag": "noindex, nofollow",
    }
    return Response(body, status, headers | ({"content-language": language} if language else {}))
