"""The pages under /dev/: what a stack holds, its events, and the reference of both APIs."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, select_autoescape

from devstack.aws import mailbox
from devstack.clock import Clock
from devstack.errors import DevstackError
from devstack.files import ROOT
from devstack.fixtures.demo_accounts import Account
from devstack.http_messages import Response
from devstack.npm import unpack_file

SHOWN = 20
"""How many sessions and events the page lists for each merchant and mode."""

REFERENCE = ROOT / ".tools" / "redoc-2.5.4" / "redoc.standalone.js"
_REDOC = ("redoc@2.5.4", "bundles/redoc.standalone.js")
# sha512 of the package's archive.
_REDOC_INTEGRITY = (
    "M6jWhG1qoBnH6TFmzJnstyCZ87HmOY/UzDm78mHiYihEdlV/YcS9ogOo1NlElnJMeLsyxHFe2yFc4sNjHTrABQ=="
)

# Redoc would load its maker's logo from another host.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; worker-src blob:"
)

DOCUMENTS = ROOT / "docs" / "openapi"
_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=select_autoescape()
)


@dataclass(frozen=True)
class Pages:
    """The pages of a running stack. `data` is the folder that keeps its store, if one does."""

    url: str
    engine: str
    data: Path | None
    clock: Clock
    accounts: Sequence[Account]

    def respond(self, path: str) -> Response | None:
        """The page of a path; None if there is none."""
        page: Response | None = None
        match path.strip("/").split("/"):
            case [""] | ["dev"]:
                page = self._show_index()
            case ["dev", "mailbox"]:
                page = _render("mailbox.html", mails=mailbox.mails()[::-1])
            case ["dev", "events", id]:
                page = self._show_event(id)
            case ["dev", "reference", ("paygate" | "payrex") as api]:
                page = _render("reference.html", api=api)
            case ["dev", "openapi", ("paygate.json" | "payrex.json") as name]:
                page = _send(DOCUMENTS / name, "application/json")
            case ["dev", "redoc.js"]:
                page = _send_redoc()
        return page

    def _show_index(self) -> Response:
        return _render(
            "index.html",
            url=self.url,
            engine=self.engine,
            data=self.data,
            now=_shown_time(self.clock.read()),
            offset=int(self.clock.offset),
            accounts=self.accounts,
            sessions=list(self._sessions()),
            events=list(self._events()),
        )

    def _show_event(self, id: str) -> Response | None:
        # The library is importable only while a stack runs.
        from checkout.api.dialects import DIALECTS
        from checkout.api.paygate.render import render_delivery
        from checkout.store import tracked_events
        from checkout.store.table import open_table

        found = tracked_events.find(open_table(), id)
        if found is None:
            return None
        envelope = DIALECTS[found.event.api].render_envelope(found.event, found.pending_count)
        deliveries = [render_delivery(each) for each in found.deliveries]
        return _render(
            "event.html",
            event=found.event,
            envelope=json.dumps(envelope, indent=2, ensure_ascii=False),
            deliveries=deliveries,
        )

    def _sessions(self) -> Iterable[dict[str, Any]]:
        """The latest sessions of the known merchants."""
        from checkout.store import sessions
        from checkout.store.paging import Cursor, SessionFilters
        from checkout.store.table import open_table

        now = int(self.clock.read())
        for scope, merchant in self._scopes():
            page = sessions.list_page(open_table(), scope, SessionFilters(), Cursor(SHOWN), now)
            for each in page.objects:
                yield {
                    "id": each.id,
                    "merchant": merchant,
                    "status": each.status_at(now),
                    "amount": f"{each.currency} {each.amount / 100:,.2f}",
                    "url": each.url,
                    "created_at": _shown_time(each.created_at),
                }

    def _events(self) -> Iterable[dict[str, Any]]:
        """The latest events of the known merchants."""
        from checkout.store import tracked_events
        from checkout.store.paging import Cursor
        from checkout.store.table import open_table

        for scope, merchant in self._scopes():
            for each in tracked_events.list_page(open_table(), scope, Cursor(SHOWN)).objects:
                states = [str(delivery.state) for delivery in each.deliveries]
                yield {
                    "id": each.id,
                    "merchant": merchant,
                    "type": each.event.type,
                    "deliveries": ", ".join(states) or "no webhook endpoint",
                    "created_at": _shown_time(each.event.created_at),
                }

    def _scopes(self) -> Iterable[tuple[str, str]]:
        from checkout.domain.account import scope_of

        for account in self.accounts:
            for mode in ("test", "live"):
                yield scope_of(account.merchant.id, mode), f"{account.merchant.name} ({mode})"


def _render(template: str, **values: Any) -> Response:
    page = _TEMPLATES.get_template(template).render(values)
    headers = (("content-type", "text/html; charset=utf-8"), ("content-security-policy", _POLICY))
    return Response(200, headers, page.encode())


def _send(file: Path, content_type: str) -> Response:
    return Response(200, (("content-type", content_type),), file.read_bytes())


def _send_redoc() -> Response:
    """Redoc's script, which npm installs when it is first asked for."""
    try:
        if not REFERENCE.exists():
            unpack_file(*_REDOC, REFERENCE, _REDOC_INTEGRITY)
    except DevstackError as error:
        return Response.from_message(503, f"Redoc is not available: {error}")
    return _send(REFERENCE, "text/javascript; charset=utf-8")


def _shown_time(epoch: float) -> str:
    return datetime.fromtimestamp(int(epoch), UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
