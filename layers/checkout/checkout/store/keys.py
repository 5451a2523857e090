"""The only file that spells a key. One table, three indexes.

A scope is `<merchant>#<mode>`.

item                pk                                   sk                        index
session             SESSION#<id>                         SESSION                   gsi1, gsi2, gsi3
receipt             SESSION#<id>                         RECEIPT
payment             PAYMENT#<id>                         PAYMENT                   gsi1
last lookup         LOOK#<payment>                       LOOK
refund              REFUND#<id>                          REFUND                    gsi1, gsi3
customer            CUSTOMER#<id>                        CUSTOMER                  gsi1, gsi2, gsi3
event               EVENT#<id>                           EVENT                     gsi1
fan-out             EVENT#<id>                           FANOUT
delivery            EVENT#<id>                           DELIVERY#<endpoint>
parked delivery     PARKED#<endpoint>                    <event>
resend              RESEND#<id>                          RESEND
pending resend      PENDING_RESEND#<scope>               PENDING_RESEND
webhook endpoint    ENDPOINTS#<scope>                    <id>
latest endpoint     LATEST_ENDPOINT#<scope>              LATEST_ENDPOINT
lease               ENDPOINT#<endpoint>#<number>         LEASE#<number>
timer               TIMER#<shard>                        <due>#<kind>#<target>     gsi3
dispatch progress   DISPATCH                             DISPATCH
repair progress     REPAIRS                              REPAIRS
merchant            MERCHANT#<id>                        MERCHANT                  gsi1
audit record        MERCHANT#<id>                        AUDIT#<id>
API key             KEY#<sha256>                         KEY
idempotency record  IDEMPOTENCY#<scope>#<route>#<key>    IDEMPOTENCY
simulator charge    SIMULATOR#<payment>                  SIMULATOR
simulator refund    SIMULATOR#<payment>                  REFUND#<refund>
circuit breaker     BREAKER#<processor>                  BREAKER
reconciliation      RECONCILIATION#<processor>/<scope>   RECONCILIATION
task                TASKS                                <payment>

index  partition key                         sort key  lists
gsi1   <scope>#<kind>#<number>               id        a scope's objects of a kind
gsi2   <scope>#session#<status>#<number>     id        its sessions of a status
       <scope>#customer#name#<digest>        id        its customers of a name
gsi3   <scope>#session#customer#<id>         id        a customer's sessions
       <scope>#refund#payment#<id>           id        a payment's refunds
       <scope>#customer#email#<digest>       id        its customers with an e-mail address
       <scope>#due#<number>                  due, id   its expiry timers

In gsi1, the partition MERCHANTS lists the merchants.

Every index has `gsi1sk` as its sort key. It is the id, because ids sort by creation; only an expiry
timer has its due time before the id. An index holds no attributes but keys, so that most changes of
an item do not write to it. gsi1 also holds an event's `type` and `session`, for filters; they never
change.
"""

import hashlib
from collections.abc import Mapping
from zlib import crc32

from checkout.domain.timer import Timer

Key = dict[str, str]

DUE_DIGITS = 12
LIST_PARTITIONS = 4
"""The number of index partitions of each list of a scope. Objects are spread over them by id,
because DynamoDB limits a partition to a thousand write units a second, and a paid session makes two
events. The number may be raised, because a list reads all partitions and objects stay where they
are. It may not be lowered."""
DUE_PARTITIONS = 8
"""The number of index partitions of a scope's expiry timers. There are several because ten thousand
sessions of one merchant may lapse at once."""

LEASE_PARTITIONS = 4
"""The number of partitions of an endpoint's leases. A delivery alone in its batch writes a lease
twice."""

DELIVERY_PREFIX = "DELIVERY#"


def session(id: str) -> Key:
    return {"pk": f"SESSION#{id}", "sk": "SESSION"}


def receipt(session_id: str) -> Key:
    """The key of a session's receipt that is still to be sent."""
    return {"pk": f"SESSION#{session_id}", "sk": "RECEIPT"}


def payment(id: str) -> Key:
    return {"pk": f"PAYMENT#{id}", "sk": "PAYMENT"}


def last_lookup(payment_id: str) -> Key:
    return {"pk": f"LOOK#{payment_id}", "sk": "LOOK"}


def refund(id: str) -> Key:
    return {"pk": f"REFUND#{id}", "sk": "REFUND"}


def customer(id: str) -> Key:
    return {"pk": f"CUSTOMER#{id}", "sk": "CUSTOMER"}


def event(id: str) -> Key:
    return {"pk": f"EVENT#{id}", "sk": "EVENT"}


def fan_out(event_id: str) -> Key:
    return {"pk": f"EVENT#{event_id}", "sk": "FANOUT"}


def delivery(event_id: str, endpoint_id: str) -> Key:
    return {"pk": f"EVENT#{event_id}", "sk": f"{DELIVERY_PREFIX}{endpoint_id}"}


def parked(endpoint_id: str) -> str:
    """The partition of the deliveries that are parked for a disabled endpoint.

    It is a partition and not an index, because an index may lag. A delivery that is missing in it
    when the endpoint is enabled would wait for ever.
    """
    return f"PARKED#{endpoint_id}"


def parked_delivery(endpoint_id: str, event_id: str) -> Key:
    return {"pk": parked(endpoint_id), "sk": event_id}


def resend(id: str) -> Key:
    return {"pk": f"RESEND#{id}", "sk": "RESEND"}


def pending_resend(scope: str) -> Key:
    """The key of the item that names the scope's pending resend."""
    return {"pk": f"PENDING_RESEND#{scope}", "sk": "PENDING_RESEND"}


def webhook_endpoints(scope: str) -> str:
    return f"ENDPOINTS#{scope}"


def webhook_endpoint(scope: str, id: str) -> Key:
    return {"pk": webhook_endpoints(scope), "sk": id}


def latest_webhook_endpoint(scope: str) -> Key:
    """The key of the item that names the scope's newest webhook endpoint."""
    return {"pk": f"LATEST_ENDPOINT#{scope}", "sk": "LATEST_ENDPOINT"}


def lease_partitions(endpoint_id: str) -> list[str]:
    """All partitions of an endpoint's leases."""
    return [f"ENDPOINT#{endpoint_id}#{number}" for number in range(LEASE_PARTITIONS)]


def lease(endpoint_id: str, number: int) -> Key:
    partition = lease_partitions(endpoint_id)[number % LEASE_PARTITIONS]
    return {"pk": partition, "sk": f"LEASE#{number:03d}"}


def merchant(id: str) -> Key:
    return {"pk": f"MERCHANT#{id}", "sk": "MERCHANT"}


MERCHANTS = "MERCHANTS"

AUDIT_PREFIX = "AUDIT#"


def audit_record(merchant_id: str, id: str) -> Key:
    return {**merchant(merchant_id), "sk": f"{AUDIT_PREFIX}{id}"}


def api_key(secret: str) -> Key:
    """Has only a digest of the API key, so that a reader of the table can't use the API."""
    return api_key_of(api_key_digest(secret))


def api_key_of(digest: str) -> Key:
    return {"pk": f"KEY#{digest}", "sk": "KEY"}


def api_key_digest(secret: str) -> str:
    return _digest(secret)


def idempotency(scope: str, route: str, key: str) -> Key:
    return {"pk": f"IDEMPOTENCY#{scope}#{route}#{key}", "sk": "IDEMPOTENCY"}


def is_of_merchant(item: Mapping[str, object], merchant_id: str) -> bool:
    """Whether the item belongs to a scope of the merchant."""
    start = f"{merchant_id}#"
    of_scope = str(item.get("scope", "")).startswith(start)
    return of_scope or str(item["pk"]).startswith(f"IDEMPOTENCY#{start}")


def timer(timer: Timer) -> Key:
    return {
        "pk": timer_shard(timer.shard),
        "sk": f"{due_before(timer.due)}#{timer.kind}#{timer.target}",
    }


def is_timer(key: Mapping[str, object]) -> bool:
    return str(key["pk"]).startswith("TIMER#")


def timer_shard(number: int) -> str:
    return f"TIMER#{number}"


def spread(name: str, partitions: int) -> int:
    """The number of the partition that holds the item with this name."""
    return crc32(name.encode()) % partitions


def due_sessions(scope: str, number: int) -> str:
    return f"{scope}#due#{number}"


def due_sessions_index(timer: Timer) -> Key:
    """The index attributes of an expiry timer."""
    number = spread(timer.target, DUE_PARTITIONS)
    return {
        "gsi3pk": due_sessions(timer.scope, number),
        "gsi1sk": f"{due_before(timer.due)}#{timer.target}",
    }


def due_session(sort_key: str) -> str:
    """The id of the session in the sort key of an expiry timer's index entry."""
    return sort_key.partition("#")[2]


DISPATCH: Key = {"pk": "DISPATCH", "sk": "DISPATCH"}
REPAIRS: Key = {"pk": "REPAIRS", "sk": "REPAIRS"}


def id_in(key: Mapping[str, object]) -> str:
    """The id of the object that an item belongs to: the second part of its partition key."""
    return str(key["pk"]).partition("#")[2]


def kind_of(key: Mapping[str, object]) -> str:
    """The kind of an item, by its key: `SESSION`, or `DELIVERY` for one below an event."""
    partition, sort = (str(key[name]).partition("#")[0] for name in ("pk", "sk"))
    return sort if partition in ("EVENT", "MERCHANT", "SESSION") else partition


def due_before(moment: int) -> str:
    """A sort key after all timers that are due before `moment`, and before all others."""
    return f"{moment:0{DUE_DIGITS}d}"


def delivery_target(event_id: str, endpoint_id: str) -> str:
    """The target of a delivery's timer."""
    return f"{event_id}/{endpoint_id}"


def split_delivery_target(target: str) -> tuple[str, str]:
    event_id, _, endpoint_id = target.partition("/")
    return event_id, endpoint_id


def resume_target(scope: str, endpoint_id: str, nonce: str) -> str:
    """The target of a resume timer."""
    return f"{scope}/{endpoint_id}/{nonce}"


def split_resume_target(target: str) -> tuple[str, str]:
    scope, endpoint_id, _ = target.split("/")
    return scope, endpoint_id


def simulator(payment_id: str) -> Key:
    return {"pk": f"SIMULATOR#{payment_id}", "sk": "SIMULATOR"}


def simulator_refund(payment_id: str, refund_id: str) -> Key:
    return {"pk": f"SIMULATOR#{payment_id}", "sk": f"REFUND#{refund_id}"}


def breaker(processor: str) -> Key:
    return {"pk": f"BREAKER#{processor}", "sk": "BREAKER"}


def reconciliation(processor: str, scope: str) -> Key:
    target = reconciliation_target(processor, scope)
    return {"pk": f"RECONCILIATION#{target}", "sk": "RECONCILIATION"}


def reconciliation_target(processor: str, scope: str) -> str:
    """The target of a reconciliation's timer."""
    return f"{processor}/{scope}"


def split_reconciliation_target(target: str) -> tuple[str, str]:
    processor, _, scope = target.partition("/")
    return processor, scope


TASKS = "TASKS"


def task(id: str) -> Key:
    """One partition has all tasks: there are few, and a person reads them."""
    return {"pk": TASKS, "sk": id}


def listed(scope: str, kind: str, id: str) -> str:
    """The index partition that lists an object among its scope's objects of a kind."""
    return f"{scope}#{kind}#{spread(id, LIST_PARTITIONS)}"


def list_partitions(scope: str, kind: str) -> list[str]:
    """All index partitions that list a scope's objects of a kind."""
    return [f"{scope}#{kind}#{number}" for number in range(LIST_PARTITIONS)]


def sessions_of_status(status: str) -> str:
    """The kind under which sessions of a status are listed."""
    return f"session#{status}"


def sessions_by_customer(scope: str, customer_id: str) -> str:
    return f"{scope}#session#customer#{customer_id}"


def customers_by_name(scope: str, name: str) -> str:
    """Has a digest of the name, because a key has at most 2,048 bytes."""
    return f"{scope}#customer#name#{_digest(name)}"


def customers_by_email(scope: str, email: str) -> str:
    return f"{scope}#customer#email#{_digest(email)}"


def refunds_by_payment(scope: str, payment_id: str) -> str:
    return f"{scope}#refund#payment#{payment_id}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
