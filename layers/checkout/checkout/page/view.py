"""One session, one page: which screen a session's state shows, what it says, and its headers."""

import json
import secrets
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from checkout.api.http import Request, Response
from checkout.domain.account import Merchant, is_live
from checkout.domain.contact import is_web_url
from checkout.domain.errors import CheckoutError
from checkout.domain.mobile_networks import NETWORK_PREFIXES
from checkout.domain.money import format_amount
from checkout.domain.payment import Failure, Payment, masked_phone
from checkout.domain.session import Session, Status
from checkout.page import line_items
from checkout.page.language import FALLBACK, Say, choose, speaker
from checkout.page.palette import palette_of
from checkout.page.templating import templates
from checkout.page.tokens import token_of
from checkout.processors import simulator
from checkout.processors.protocol import CardEntry, NextStep, Processor
from checkout.processors.simulator import SimulatedOutcome, Simulator

RETURN_SECONDS = 10
"""How long after the payment the page waits, at most, for the merchant to have heard of it."""
WAITING_SECONDS, RETURNING_SECONDS = 3, 1
"""How often a page looks at what it waits for, by script."""
RELOAD_SECONDS = 5
"""And without."""
LONGEST_TIMER = 20 * 86_400
"""Seconds; a browser's timers do not count much further."""
DESCRIPTION_LENGTH = 300

NOTHING: Mapping[str, str] = MappingProxyType({})
NETWORKS = {"mtn": "MTN", "telecel": "Telecel", "airteltigo": "AirtelTigo"}


class Visit(NamedTuple):
    """A shopper on a session's page: all that the page depends on."""

    session: Session
    merchant: Merchant
    processor: Processor | None
    """Who takes the money; None where the merchant takes none in this mode."""
    language: str
    now: int
    attempt: Payment | None = None
    """The payment that the shopper comes from."""
    next_step: NextStep | None = None
    """What its processor still wants of the shopper."""
    merchant_knows: bool = False
    """Whether the merchant has answered what it was told of the payment."""
    has_left: bool = False
    is_stale: bool = False
    """Whether the form that was sent was no longer, or never, this page's."""
    errors: Mapping[str, str] = NOTHING
    """A form's, by field: names of texts."""
    typed: Mapping[str, str] = NOTHING
    """What was typed, but for the card."""

    @property
    def page(self) -> str:
        return page_of(self.session)

    @property
    def methods(self) -> list[str]:
        """What the session allows and the processor takes."""
        takes = self.processor.supports if self.processor else lambda _method: False
        return [method for method in self.session.methods if takes(method)]

    @property
    def is_simulated(self) -> bool:
        return self.processor is not None and self.processor.name == Simulator.name

    @property
    def just_paid(self) -> bool:
        return self.attempt is not None and self.session.payment == self.attempt.id

    @property
    def goes_back(self) -> bool:
        """Whether it is time for the shop: it knows, or has had its time."""
        waited = self.now - self.session.updated_at
        return self.just_paid and (self.merchant_knows or waited >= RETURN_SECONDS)


def screen_of(visit: Visit) -> str:
    """The name of the screen, which is its template's."""
    session, attempt = visit.session, visit.attempt
    status = session.status_at(visit.now)
    if attempt and attempt.failure is Failure.TOO_LATE:
        return "late"
    if status is not Status.OPEN:
        return status.value
    if session.attempt:
        return "processor" if isinstance(visit.next_step, CardEntry) else "waiting"
    if not visit.methods:
        return "unavailable"
    if session.is_blocked_at(visit.now):
        return "blocked"
    return "left" if visit.has_left else "open"


def render_visit(visit: Visit) -> Response:
    screen = screen_of(visit)
    say = speaker(visit.language)
    context = _frame(visit, screen, say) | SCREENS.get(screen, _nothing)(visit, say)
    status = 422 if visit.errors else 200
    step = visit.next_step if screen == "processor" else None
    entry = step if isinstance(step, CardEntry) else None
    return _page(screen, status, visit.language, context, entry)


def render_state(visit: Visit) -> Response:
    """What the page's script asks for: has anything changed?"""
    return _answer(json.dumps({"state": _state(visit, screen_of(visit))}), "application/json")


def render_message(name: str, status: int, language: str) -> Response:
    say = speaker(language)
    context = {"title": say(f"{name}_title"), "text": say(f"{name}_text")}
    return _page("message", status, language, context)


def render_error(error: CheckoutError, request: Request | None = None) -> Response:
    """The page's dialect of errors: a page."""
    language = choose(request.header("accept-language")) if request else FALLBACK
    name = "unknown" if error.status == 404 else "broken" if error.status >= 500 else "refused"
    return render_message(name, error.status, language)


def render_approval(
    payment: Payment, visit: Visit, method: str, action: str, is_waiting: bool
) -> Response:
    """The simulated wallet's own page, for one payment."""
    say = speaker(visit.language)
    context = {
        "title": say("approval_title", method=method)
        if is_waiting
        else say("approval_decided_title"),
        "method": method,
        "merchant": visit.merchant.name,
        "palette": palette_of(visit.merchant.colour),
        "amount": format_amount(payment.amount, payment.currency),
        "action": action,
        "token": token_of(visit.session),
        "waiting": is_waiting,
        "back": f"{visit.page}?attempt={payment.id}",
    }
    return _page("simulated_wallet", 200, visit.language, context)


def redirect(location: str) -> Response:
    return Response("", 303, {"location": location})


def is_approved_here(payment: Payment) -> bool:
    """Whether it waits at one of the simulator's wallets."""
    return payment.processor == Simulator.name and payment.method in simulator.APPROVED_ELSEWHERE


def page_of(session: Session) -> str:
    """The page's address, without scheme and host."""
    return urlsplit(session.url).path


def approval_url(attempt: str) -> str:
    """Where the simulator's wallets are approved, without scheme and host."""
    return f"/simulator/{attempt}"


def _frame(visit: Visit, screen: str, say: Say) -> dict[str, Any]:
    """What every screen of a session has."""
    session = visit.session
    amount = format_amount(session.amount, session.currency)
    attempt = visit.attempt
    title = say("failed_title" if screen == "open" and _failure(visit, say) else f"{screen}_title",
                **({"amount": amount} if screen == "open" else {}))  # fmt: skip
    if screen == "complete" and not visit.just_paid:
        title = say("complete_again_title")
    logo = visit.merchant.logo or ""
    return {
        "session": session,
        "title": title,
        "state": _state(visit, screen),
        "merchant": visit.merchant.name,
        "logo": logo if logo.startswith("https://") and is_web_url(logo) else None,
        "palette": palette_of(visit.merchant.colour),
        "amount": amount,
        "description": line_items.shortened(session.description or "", DESCRIPTION_LENGTH),
        "live": is_live(session.scope),
        "page": visit.page,
        "look": f"{visit.page}?look=1" + (f"&attempt={attempt.id}" if attempt else ""),
        "failure": _failure(visit, say),
        "poll": None,
        "go": False,
    } | _lapse(visit, session.lapses_at if screen in ("open", "left") else visit.now)


def _open(visit: Visit, say: Say) -> dict[str, Any]:
    session = visit.session
    tried = visit.attempt.method if visit.attempt else None
    numbers = [(each, _fate(fate, say)) for each, fate in simulator.CARDS[session.api].items()]
    phones = [(each, _fate(fate, say)) for each, fate in simulator.PHONES.items()]
    items, more_items = line_items.lines(session)
    return {
        "items": items,
        "more_items": more_items,
        "stale": visit.is_stale,
        "errors": {field: say(name) for field, name in visit.errors.items()},
        "first_wrong": next(iter(visit.errors), None),
        "typed": visit.typed,
        "token": token_of(session),
        "methods": {name: say(f"method_{name}") for name in visit.methods},
        "chosen": visit.typed.get("method") or tried or visit.methods[0],
        "card_elsewhere": visit.processor is not None and visit.processor.asks_for_cards,
        "elsewhere": simulator.APPROVED_ELSEWHERE,
        "submit": session.submit_type or "pay",
        "networks": ";".join(
            f"{NETWORKS[name]}:{','.join(heads)}" for name, heads in NETWORK_PREFIXES.items()
        ),
        "cards": numbers if visit.is_simulated and "card" in visit.methods else [],
        "phones": phones if visit.is_simulated and "mobile_money" in visit.methods else [],
    }


def _waiting(visit: Visit, say: Say) -> dict[str, Any]:
    attempt = visit.attempt
    assert attempt is not None  # noqa: S101 - whoever visits a session in flight comes from it
    seconds = max(0, attempt.deadline_at - visit.now)
    approval = approval_url(attempt.id) if is_approved_here(attempt) else None
    return {
        "method": attempt.method,
        "phone": masked_phone(attempt.phone or ""),
        "network": NETWORKS.get(attempt.provider or "", ""),
        "approval": approval,
        "next_step": visit.next_step,
        "qr": _qr(visit, approval, say) if approval and attempt.method == "qrph" else None,
        "seconds_left": seconds,
        "clock": _clock(seconds),
        "poll": WAITING_SECONDS,
        "refresh": _refresh(RELOAD_SECONDS, f"{visit.page}?attempt={attempt.id}"),
    }


def _processor(visit: Visit, _say: Say) -> dict[str, Any]:
    """The card is typed into the processor's own fields; until the attempt's deadline. No looking
    meanwhile: each look is a call to the processor, and what it says is known here first."""
    deadline = visit.attempt.deadline_at if visit.attempt else visit.now
    seconds = max(0, deadline - visit.now)
    return {
        "next_step": visit.next_step,
        "submit": visit.session.submit_type or "pay",
        "seconds_left": seconds,
        "clock": _clock(seconds),
    } | _lapse(visit, deadline)


def _complete(visit: Visit, _say: Say) -> dict[str, Any]:
    more: dict[str, Any] = {"just_paid": visit.just_paid, "go": visit.goes_back}
    if visit.goes_back:
        return more | {"refresh": _refresh(0, visit.session.return_url())}
    if visit.just_paid:
        again = f"{visit.page}?attempt={visit.session.payment}"
        return more | {
            "poll": RETURNING_SECONDS,
            "refresh": _refresh(RETURNING_SECONDS, again),
        }
    return more


def _left(visit: Visit, _say: Say) -> dict[str, Any]:
    minutes = max(1, (visit.session.lapses_at - visit.now) // 60)
    hours, rest = divmod(minutes, 60)
    return {"left_to_pay": f"{hours} h {rest} min" if hours else f"{rest} min"}


def _late(visit: Visit, _say: Say) -> dict[str, Any]:
    status = visit.session.status_at(visit.now)
    return {
        "payable": status is Status.OPEN,
        "paid": status is Status.COMPLETE,
    }


def _blocked(visit: Visit, _say: Say) -> dict[str, Any]:
    until = visit.session.blocked_until or visit.now
    seconds = until - visit.now
    return {"seconds_left": seconds, "clock": _clock(seconds)} | _lapse(visit, until)


def _nothing(_visit: Visit, _say: Say) -> dict[str, Any]:
    return {}


SCREENS = {
    "open": _open,
    "waiting": _waiting,
    "processor": _processor,
    "complete": _complete,
    "left": _left,
    "late": _late,
    "blocked": _blocked,
}
"""What each screen needs beside the frame."""


def _state(visit: Visit, screen: str) -> str:
    """What the script compares: the screen, and what of it a shopper would see change."""
    return f"{screen}-go" if screen == "complete" and visit.goes_back else screen


def _lapse(visit: Visit, at: int) -> dict[str, Any]:
    """A page that ends by the clock does so by itself, with a script and without."""
    seconds = at - visit.now
    if not 0 < seconds < LONGEST_TIMER:
        return {"lapses_in": None, "refresh": None}
    return {"lapses_in": seconds, "refresh": _refresh(seconds, visit.page)}


def _refresh(seconds: int, url: str) -> dict[str, Any]:
    return {"seconds": seconds, "url": url}


def _failure(visit: Visit, say: Say) -> str | None:
    failure = visit.attempt.failure if visit.attempt else None
    return say(f"failure_{failure.value}") if failure else None


def _fate(fate: SimulatedOutcome, say: Say) -> str:
    if fate.failure:
        return say(f"fate_{fate.failure.value}")
    if fate.after >= simulator.NEVER:
        return say("fate_silent")
    return say("fate_later", seconds=fate.after) if fate.after else say("fate_at_once")


def _qr(visit: Visit, approval: str, say: Say) -> str:
    from checkout.page import qr  # noqa: PLC0415 - one method in ten needs it, and 15 ms

    parts = urlsplit(visit.session.url)
    return qr.draw(f"{parts.scheme}://{parts.netloc}{approval}", say("qr_label"))


def _clock(seconds: int) -> str:
    return f"{seconds // 60}:{seconds % 60:02d}"


def _page(
    screen: str,
    status: int,
    language: str,
    context: dict[str, Any],
    entry: CardEntry | None = None,
) -> Response:
    nonce = secrets.token_urlsafe(16)
    given = {"palette": palette_of(None)} | context
    html = (
        templates()
        .get_template(f"{screen}.html")
        .render(nonce=nonce, language=language, say=speaker(language), **given)
    )
    return _answer(html, "text/html", status, language, _policy(nonce, entry))


def _policy(nonce: str, entry: CardEntry | None) -> str:
    """What a page may load: its own style and script; and on the one screen where the shopper types
    a card into a processor's fields, what these need."""
    script, connects, frames = "", "", ""
    if entry:
        script, connects = f" {entry.script}", f" {' '.join(entry.connects)}"
        frames = f"; frame-src {' '.join(entry.frames)}"
    return (
        f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'{script}; "
        f"connect-src 'self'{connects}; form-action 'self'; img-src https: data:; "
        f"base-uri 'none'; frame-ancestors 'none'{frames}"
    )


def _answer(
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
        "vary": "accept-language",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "strict-transport-security": "max-age=31536000",
    }
    return Response(body, status, headers | ({"content-language": language} if language else {}))
