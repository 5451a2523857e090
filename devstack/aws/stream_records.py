"""DynamoDB stream records in the format of a Lambda event."""

import base64
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from devstack.template import ACCOUNT, REGION, Json

TTL_IDENTITY = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
"""The userIdentity of a deletion by time to live."""
_IMAGES = "NewImage", "OldImage"


@dataclass(frozen=True)
class Record:
    """One record; `sequence` numbers increase within a shard, `content` is as Lambda gets it."""

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
        """A number attribute of NewImage or OldImage, in DynamoDB's notation."""
        found = self.content["dynamodb"].get(image, {}).get(attribute, {}).get("N")
        return None if found is None else str(found)


def build_record(raw: Json, shard: str, table: str, label: str) -> Record:
    """The record for an entry of GetRecords, with its bytes in base64; `label` is the stream's."""
    change = raw["dynamodb"]
    sequence = str(change["SequenceNumber"])
    dynamodb: Json = {
        "ApproximateCreationDateTime": _epoch(change["ApproximateCreationDateTime"]),
        "Keys": change["Keys"],
        "SequenceNumber": sequence,
        "SizeBytes": int(change.get("SizeBytes", 0)),
        "StreamViewType": change["StreamViewType"],
    }
    for image in _IMAGES:
        if image in change:
            dynamodb[image] = change[image]
    content: Json = {
        "eventID": uuid.uuid5(uuid.NAMESPACE_OID, f"{label}/{shard}/{sequence}").hex,
        "eventName": raw["eventName"],
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": REGION,
        "dynamodb": dynamodb,
        "eventSourceARN": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table}/stream/{label}",
    }
    if "userIdentity" in raw:  # from a real table
        given = raw["userIdentity"]
        content["userIdentity"] = {
            "type": given.get("Type"),
            "principalId": given.get("PrincipalId"),
        }
    return Record(shard, int(sequence), content)


def encode_bytes(raw: Json) -> Json:
    """An entry of moto's own list, as GetRecords returns it."""
    change = raw["dynamodb"]
    encoded = {
        name: encode_attributes(change[name]) for name in ("Keys", *_IMAGES) if name in change
    }
    return {**raw, "dynamodb": {**change, **encoded}}


def encode_attributes(attributes: Json) -> Json:
    """Attribute values with their bytes in base64, so that they fit into JSON."""
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
