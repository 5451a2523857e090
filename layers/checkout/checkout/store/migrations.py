"""Changes of stored items to a newer schema, while traffic goes on.

Code that reads an item accepts it in the schema before, so a migration may run at any time after
the release. An item's `schema` is the version in which it is stored; none is version 1.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import NamedTuple

from boto3.dynamodb.conditions import Attr

from checkout.store import keys
from checkout.store.accounts import LISTED
from checkout.store.items import Item
from checkout.store.merchants import ChangeRefusedError, Operator
from checkout.store.table import Update


class Migration(NamedTuple):
    schema: int
    """The version that it makes."""
    migrate: Callable[[Operator, Item], bool]
    """Brings an item of the version before to this one. Returns False after a conflict."""


def _list_merchant(operator: Operator, item: Item) -> bool:
    """Adds a merchant to the list of all merchants."""
    listed = {"gsi1pk": keys.MERCHANTS, "gsi1sk": item["id"], "schema": LISTED}
    return operator.table.write_unless_conflict(Update(_key(item), listed, Attr("pk").exists()))


def _list_key(operator: Operator, item: Item) -> bool:
    """Adds an API key to the keys of its merchant, so that it can be rolled and suspended."""
    try:
        return operator.adopt_key(keys.id_in(item))
    except ChangeRefusedError:
        return False  # The merchant was changed meanwhile.


MIGRATIONS: Mapping[str, tuple[Migration, ...]] = {
    "MERCHANT": (Migration(LISTED, _list_merchant),),
    "KEY": (Migration(LISTED, _list_key),),
}
"""By the kind of the items, the oldest first."""


def run(operator: Operator) -> dict[str, int]:
    """Migrates every item that needs it. Returns how many of each kind were migrated, and how many
    are left after conflicts: run it again for those."""
    counts: Counter[str] = Counter()
    for item in operator.table.scan_all():
        kind = keys.kind_of(item)
        for migration in MIGRATIONS.get(kind, ()):
            if item.get("schema", 1) < migration.schema:
                done = migration.migrate(operator, item)
                counts[f"{kind} to {migration.schema}" if done else "left"] += 1
    return dict(counts)


def _key(item: Item) -> keys.Key:
    return {"pk": item["pk"], "sk": item["sk"]}
