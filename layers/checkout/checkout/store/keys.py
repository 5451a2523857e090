"""The only file that spells a key. One table, three indexes.

scope = <merchant>#<mode>

item         pk                                   sk                      index
session      SESSION#<id>                         SESSION                 gsi1, gsi2, gsi3
payment      PAYMENT#<id>                         PAYMENT                 gsi1
customer     CUSTOMER#<id>                        CUSTOMER                gsi1
event        EVENT#<id>                           EVENT                   gsi1
delivery     EVENT#<id>                           DELIVERY#<endpoint>
endpoint     ENDPOINTS#<scope>                    <id>
parked       PARKED#<endpoint>                    <event>
lease         ENDPOINT#<endpoint>                  LEASE#<number>
resend       RESEND#<id>                          RESEND
timer        TIMER#<shard>                        <due>#<kind>#<target>
merchant     MERCHANT#<id>                        MERCHANT
api key      KEY#<sha256>                         KEY
idempotency  IDEMPOTENCY#<scope>#<route>#<key>    IDEMPOTENCY
simulator    SIMULATOR#<attempt>                  SIMULATOR

gsi1  <scope>#<kind>                      / id    every object of a kind, by creation
gsi2  <scope>#session#<status>            / id    sessions of a status
gsi3  <scope>#session#customer#<id>       / id    sessions of a customer, where there is one
"""

import hashlib
from zlib import crc32

from checkout.domain.timer import Timer

Key = dict[str, str]

SHARDS = 16
DUE_DIGITS = 12

EVENT_SORT_KEY = "EVENT"
DELIVERY_PREFIX = "DELIVERY#"


def session(id: str) -> Key:
    return {"pk": f"SESSION#{id}", "sk": "SESSION"}


def payment(id: str) -> Key:
    return {"pk": f"PAYMENT#{id}", "sk": "PAYMENT"}


def customer(id: str) -> Key:
    return {"pk": f"CUSTOMER#{id}", "sk": "CUSTOMER"}


def event(id: str) -> Key:
    return {"pk": f"EVENT#{id}", "sk": EVENT_SORT_KEY}


def resend(id: str) -> Key:
    return {"pk": f"RESEND#{id}", "sk": "RESEND"}


def delivery(event_id: str, endpoint_id: str) -> Key:
    return {"pk": f"EVENT#{event_id}", "sk": f"{DELIVERY_PREFIX}{endpoint_id}"}


def webhook_endpoints(scope: str) -> str:
    return f"ENDPOINTS#{scope}"


def webhook_endpoint(scope: str, id: str) -> Key:
    return {"pk": webhook_endpoints(scope), "sk": id}


def parked(endpoint_id: str) -> str:
    """Deliveries that wait for a disabled endpoint. No index: that could be late by one, and an
    endpoint that is enabled looks here once."""
    return f"PARKED#{endpoint_id}"


def parked_delivery(endpoint_id: str, event_id: str) -> Key:
    return {"pk": parked(endpoint_id), "sk": event_id}


def lease(endpoint_id: str, number: int) -> Key:
    return {"pk": leases(endpoint_id), "sk": f"LEASE#{number:03d}"}


def leases(endpoint_id: str) -> str:
    return f"ENDPOINT#{endpoint_id}"


def merchant(id: str) -> Key:
    return {"pk": f"MERCHANT#{id}", "sk": "MERCHANT"}


def api_key(secret: str) -> Key:
    """The table holds a key's digest alone: who reads the table can't call with it."""
    return {"pk": f"KEY#{hashlib.sha256(secret.encode()).hexdigest()}", "sk": "KEY"}


def idempotency(scope: str, route: str, key: str) -> Key:
    return {"pk": f"IDEMPOTENCY#{scope}#{route}#{key}", "sk": "IDEMPOTENCY"}


def simulator(attempt: str) -> Key:
    return {"pk": f"SIMULATOR#{attempt}", "sk": "SIMULATOR"}


def simulator_refund(attempt: str, refund: str) -> Key:
    return {"pk": f"SIMULATOR#{attempt}", "sk": f"REFUND#{refund}"}


def refund(id: str) -> Key:
    return {"pk": f"REFUND#{id}", "sk": "REFUND"}


def refunds_by_payment(scope: str, payment_id: str) -> str:
    return f"{scope}#refund#payment#{payment_id}"


def timer_shards() -> list[str]:
    return [f"TIMER#{number}" for number in range(SHARDS)]


def timer_shard(shard_by: str) -> str:
    return f"TIMER#{crc32(shard_by.encode()) % SHARDS}"


def timer(timer: Timer) -> Key:
    return {
        "pk": timer_shard(timer.shard_by),
        "sk": f"{due_before(timer.due)}#{timer.kind}#{timer.target}",
    }


def due_before(moment: int) -> str:
    """A sort key after every timer due before `moment` and before every one due at it."""
    return f"{moment:0{DUE_DIGITS}d}"


def delivery_target(event_id: str, endpoint_id: str) -> str:
    return f"{event_id}/{endpoint_id}"


def split_delivery_target(target: str) -> tuple[str, str]:
    event_id, _, endpoint_id = target.partition("/")
    return event_id, endpoint_id


def resume_target(scope: str, endpoint_id: str, nonce: str) -> str:
    return f"{scope}/{endpoint_id}/{nonce}"


def split_resume_target(target: str) -> tuple[str, str]:
    scope, endpoint_id, _ = target.split("/")
    return scope, endpoint_id


def by_kind(scope: str, kind: str) -> str:
    return f"{scope}#{kind}"


def sessions_by_status(scope: str, status: str) -> str:
    return f"{scope}#session#{status}"


def sessions_by_customer(scope: str, customer_id: str) -> str:
    return f"{scope}#session#customer#{customer_id}"
