"""The sample events of all functions, and the items that they name, in DynamoDB's format."""

import base64
import time
from pathlib import Path
from typing import Any

from build_tools.artifact import ROOT
from checkout.domain.account import Merchant
from checkout.store import accounts
from checkout.store.table import Table
from devstack.fixtures.sample_objects import save_samples
from devstack.template import load_template


class _RecordingClient:
    """A DynamoDB client that collects the items that are put."""

    def __init__(self) -> None:
        self.items: list[Any] = []

    def put_item(self, **request: Any) -> None:
        self.items.append(request["Item"])

    update_item = delete_item = put_item  # never called: samples are only put


def sample_items() -> list[dict[str, Any]]:
    client: Any = _RecordingClient()
    table = Table(client, "checkout")
    for api in ("paygate", "payrex"):
        merchant = Merchant(f"merc_{api}", "Accra Books", api)
        accounts.save_merchant(merchant, table)
        accounts.save_key(f"sk_test_{api}", merchant, table)
    save_samples(table, int(time.time()), _encrypt)
    items: list[dict[str, Any]] = client.items
    return items


def _encrypt(plain: str, *, encryption_context: str) -> str:
    """A stand-in: `build_tools/stub.py` decrypts everything to the same secret."""
    return base64.b64encode(f"{encryption_context} {len(plain)}".encode()).decode()


def sample_events() -> dict[str, Path]:
    """Files by function, for example RetrieveEvent's `retrieve_event.json`."""
    files = {file.stem.replace("_", ""): file for file in (ROOT / "events").glob("*.json")}
    return {name: files[name.lower()] for name in load_template(ROOT / "template.yaml").functions}
