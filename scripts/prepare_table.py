"""Gives a restored table what a restore leaves out: stream, TTL, recovery, protection.

    python scripts/prepare_table.py <table>

Prints the parameters with which a stack uses the table. It may be run again at any time. The
runbook is in docs/operations.md, "Restoring the table".
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from devstack.template import read_document

TEMPLATE = Path(__file__).resolve().parents[1] / "template.yaml"
WAIT_SECONDS = 5


class NotTheTableError(Exception):
    """The table differs from the one of template.yaml in what can't be changed."""


def prepare(client: Any, name: str, wait: Callable[[float], None] = time.sleep) -> str:
    """Makes the table like the one in template.yaml, and returns the ARN of its stream.

    Raises NotTheTableError.
    """
    wanted = read_document(TEMPLATE)["Resources"]["Table"]["Properties"]
    described = client.describe_table(TableName=name)["Table"]
    _compare(described, wanted)
    if not described.get("StreamSpecification", {}).get("StreamEnabled"):
        stream = {"StreamEnabled": True, **wanted["StreamSpecification"]}
        client.update_table(TableName=name, StreamSpecification=stream)
        _wait_until_active(client, name, wait)
    ttl = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    if ttl["TimeToLiveStatus"] not in ("ENABLED", "ENABLING"):
        client.update_time_to_live(
            TableName=name, TimeToLiveSpecification=wanted["TimeToLiveSpecification"]
        )
    arn: str = client.describe_table(TableName=name)["Table"]["LatestStreamArn"]
    return arn


def protect(client: Any, name: str, wait: Callable[[float], None] = time.sleep) -> None:
    """Switches point-in-time recovery and the protection against deletion on."""
    client.update_continuous_backups(
        TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    client.update_table(TableName=name, DeletionProtectionEnabled=True)
    _wait_until_active(client, name, wait)


def _compare(described: Any, wanted: Any) -> None:
    """Keys and indexes have to be those of the template; a restore can leave indexes out."""
    names = {each["IndexName"] for each in described.get("GlobalSecondaryIndexes", [])}
    missing = {each["IndexName"] for each in wanted["GlobalSecondaryIndexes"]} - names
    if missing:
        raise NotTheTableError(
            f"The table has no index {', '.join(sorted(missing))}. Restore it with all indexes."
        )
    if described["KeySchema"] != wanted["KeySchema"]:
        raise NotTheTableError("The table has other keys than template.yaml. Is it the right one?")


def _wait_until_active(client: Any, name: str, wait: Callable[[float], None]) -> None:
    while client.describe_table(TableName=name)["Table"]["TableStatus"] != "ACTIVE":
        wait(WAIT_SECONDS)


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    (name,) = arguments
    client = boto3.client("dynamodb")
    try:
        stream = prepare(client, name)
        protect(client, name)
    except (NotTheTableError, ClientError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"ExistingTable={name} ExistingTableStream={stream}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
