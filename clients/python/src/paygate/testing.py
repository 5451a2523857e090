"""Runs the service for a merchant's tests.

with running_devstack() as devstack:
    session = devstack.client.checkout.sessions.create(…)
    devstack.pay(session.id)
"""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from paygate.client import Client
from paygate.errors import PayGateError
from paygate.objects import Session

REPOSITORY = "CHECKOUT_REPOSITORY"
"""The environment variable with the folder of the service's repository."""
SECRET_KEY = "sk_test_paygate"  # noqa: S105  # a demo key, which only devstack has
APPROVED_CARD = "4242424242424242"
PAY_FORM = re.compile(r'<main data-state="open".*?name="token" value="(\w+)"', re.DOTALL)
"""The token of the form to pay. Other screens have forms to end a payment or choose a language."""


class Devstack:
    """A running service. `client` is a client of its demo merchant."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.secret_key = SECRET_KEY
        # Without the environment's proxy, which may not reach this machine's own addresses.
        self.client = Client(SECRET_KEY, base_url=url, http=httpx.Client(trust_env=False))
        self._http = httpx.Client(base_url=url, timeout=30, trust_env=False)

    def now(self) -> int:
        """Its time in epoch seconds; webhooks are signed with it."""
        return int(self._http.get("/dev/clock").raise_for_status().json()["now"])

    def advance(self, seconds: float) -> None:
        """Moves its clock forward, and waits until what is due then has happened."""
        self._http.post("/dev/clock", json={"advance": seconds}).raise_for_status()

    def pay(self, session_id: str, card: str = APPROVED_CARD) -> Session:
        """Pays as a shopper does on the hosted page, and returns the session.

        Other cards are declined or answer later: the service's README has a list. Raises
        PayGateError if the session is not open.
        """
        form = {"method": "card", "number": card, "expiry": "12/40", "code": "123"}
        return self._submit(session_id, form)

    def pay_by_phone(self, session_id: str, phone: str) -> Session:
        """As `pay`, with mobile money."""
        return self._submit(session_id, {"method": "mobile_money", "phone": phone})

    def close(self) -> None:
        self.client.close()
        self._http.close()

    def _submit(self, session_id: str, form: Mapping[str, str]) -> Session:
        page = f"/checkout/{session_id}"
        token = PAY_FORM.search(self._http.get(page).text)
        if token is None:
            raise PayGateError(f"{session_id} can't be paid now: the session is not open.")
        answer = self._http.post(page, data={**form, "token": token[1]})
        if answer.status_code != httpx.codes.SEE_OTHER:
            raise PayGateError(f"The page refused the payment with {answer.status_code}.")
        return self.client.checkout.sessions.retrieve(session_id)


@contextmanager
def running_devstack(repository: Path | None = None) -> Iterator[Devstack]:
    """Runs the service on a free port, with an empty store in memory.

    `repository` is the folder of the service's repository. By default it is in the environment
    variable CHECKOUT_REPOSITORY, or this client is used from within it. Raises PayGateError if the
    service does not start.
    """
    root = repository or _find_repository()
    process = subprocess.Popen(
        [_find_python(root), "-m", "devstack"],
        cwd=root,
        env={**os.environ, **_settings(root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        devstack = Devstack(_read_url(process))
        try:
            yield devstack
        finally:
            devstack.close()
    finally:
        process.terminate()
        process.wait()


def _settings(root: Path) -> dict[str, str]:
    paths = os.pathsep.join([str(root / "layers/checkout"), str(root)])
    return {"ENGINE": "moto", "PORT": "0", "HOST": "127.0.0.1", "PYTHONPATH": paths}


def _find_repository() -> Path:
    named = os.environ.get(REPOSITORY)
    candidates = [Path(named)] if named else Path(__file__).resolve().parents
    for each in candidates:
        if (each / "devstack/__main__.py").exists():
            return each
    where = f"{named} is not" if named else f"{REPOSITORY} is not set, and this client is not in"
    raise PayGateError(f"{where} the folder of the service's repository.")


def _find_python(root: Path) -> str:
    """The interpreter that `make dev` has set up, or else the one that runs this."""
    own = root / ".venv/bin/python"
    return str(own) if own.exists() else sys.executable


def _read_url(process: "subprocess.Popen[str]") -> str:
    output: Any = process.stdout
    lines = list[str]()
    for line in output:
        lines.append(line)
        started = re.match(r"checkout on (http://\S+)", line)
        if started:
            # Its lines are read until it ends: a full pipe would block it.
            threading.Thread(target=output.read, daemon=True).start()
            return started[1]
    raise PayGateError(f"The service does not start (run `make dev` once): {''.join(lines)}")
