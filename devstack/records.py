"""Stream records in the shape Lambda gets them, wherever they were read."""

import base64
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from devstack.template import ACCOUNT, REGION, Json

TTL_IDENTITY = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}


@dataclass(frozen=True)
class Record:
    """One record; `sequence` orders those of one shard."""

    shard: str
    sequence: int
    content: Json

    @property
    def keys(self) -> Json:
        """The item's key, in DynamoDB's JSON."""
        keys: Json = self.content["dynamodb"]["Keys"]
        return keys

    @property
    def is_removal(self) -> bool:
        """Whether the item was deleted."""
        return bool(self.content["eventName"] == "REMOVE")

    def number(self, image: str, attribute: str) -> str | None:
        """A number attribute of NewImage or OldImage, as DynamoDB writes it."""
        found = self.content["dynamodb"].get(image, {}).get(attribute, {}).get("N")
        return None if found is None else str(found)


def shape_record(raw: Json, shard: str, table: str, label: str) -> Record:
    """A Lambda record of what GetRecords answers (or what moto stores)."""
    change = raw["dynamodb"]
    sequence = str(change["SequenceNumber"])
    shaped: Json = {
        "ApproximateCreationDateTime": _epoch(change["ApproximateCreationDateTime"]),
        "Keys": encode_attributes(change["Keys"]),
        "SequenceNumber": sequence,
        "SizeBytes": int(change.get("SizeBytes", 0)),
        "StreamViewType": change["StreamViewType"],
    }
    for image in ("NewImage", "OldImage"):
        if image in change:
            shaped[image] = encode_attributes(change[image])
    content: Json = {
        "eventID": uuid.uuid5(uuid.NAMESPACE_OID, f"{label}/{shard}/{sequence}").hex,
        "eventName": raw["eventName"],
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": REGION,
        "dynamodb": shaped,
        "eventSourceARN": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table}/stream/{label}",
    }
    if "userIdentity" in raw:  # a real table says so itself
        given = raw["userIdentity"]
        content["userIdentity"] = {
            "type": given.get("Type"),
            "principalId": given.get("PrincipalId"),
        }
    return Record(shard, int(sequence), content)


def encode_attributes(attributes: Json) -> Json:
    """Attribute values with bytes in base64, as they stand in JSON."""
    return {name: _encode_value(value) for name, value in attributes.items()}


def _encode_value(value: Json) -> Json:
    ((kind, content),) = value.items()
    match kind:
        case "B":
            return {"B": _base64(content)}
        case "BS":
            return {"BS": [_base64(each) for each in content]}
        case "L":
            return {"L": [_encode_value(each) for each in content]}
        case "M":
            return {"M": encode_attributes(content)}
    return {kind: content}


def _base64(content: Any) -> Any:
    return base64.b64encode(content).decode() if isinstance(content, bytes) else content


def _epoch(moment: Any) -> float:
    return moment.timestamp() if isinstance(moment, datetime) else float(moment)
