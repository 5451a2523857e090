"""Hostile requests: valid ones with a few mutations. The same seed gives the same requests.

Also looked at: Hypothesis, whose shrinking and repetition need requests that do not change the
table; hypothesis-jsonschema and schemathesis, which start from a schema that these APIs do not
publish; atheris, which finds one crash for each process and needs a compiler.
"""

import base64
import hmac
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Any
from urllib.parse import quote, urlencode

from devstack.http_messages import Request
from tests.fuzz import values

Pairs = tuple[tuple[str, str], ...]

MAX_HEADER = 8_000
"""The longest header, in characters. API Gateway allows 10,240 bytes for all headers."""
MAX_TARGET = 8_000
"""The longest path with its query, in characters."""
MAX_SEGMENT = 5_000
MOST_STRETCHED = 220
STRETCH, QUERY_STRETCH, ID_STRETCH = 20_000, 7_000, 2_100
"""Lengths of long texts: enough for a quadratic pattern to take seconds, the most that a query may
have, and more than a key of DynamoDB may have."""
REPEATS = 1_000
PARTS = ("body", "query", "path", "headers")


class Raw(str):
    """Text that is put into JSON as it is."""


class Members(list[tuple[str, Any]]):
    """A JSON object that may have a key twice."""


@dataclass(frozen=True)
class Example:
    """A valid request. `path` is percent-encoded; `variable` is the value of its `{id}`, if any.

    `body` is a JSON object, the pairs of a form, or None. With `signing_secret`, the request is
    signed like the webhooks of the processor in its path.
    """

    method: str
    path: str
    variable: str | None
    query: Pairs
    headers: dict[str, str]
    body: dict[str, Any] | Pairs | None
    signing_secret: str | None = None


def valid_request(example: Example) -> Request:
    return _build(example, _encode(example.body))


def hostile_requests(examples: list[Example], others: list[Any], seed: str) -> Iterator[Request]:
    """First requests with long texts for patterns, then random ones without end.

    `others` are bodies of other operations, which are also sent.
    """
    random = Random(seed)
    stretched = [each for example in examples for each in _stretched_examples(random, example)]
    stretched += _stretched_paths(random, examples[0])
    for example in random.sample(stretched, min(len(stretched), MOST_STRETCHED)):
        yield valid_request(_with_key(random, example))
    while True:
        yield _random_request(random, _with_key(random, random.choice(examples)), others)


def _with_key(random: Random, example: Example) -> Example:
    """Half of all POSTs have an idempotency key."""
    if example.method != "POST" or random.random() < 0.5:
        return example
    key = f"order-{random.randrange(1_000_000)}"
    return replace(example, headers=example.headers | {"idempotency-key": key})


def _random_request(random: Random, example: Example, others: list[Any]) -> Request:
    body: bytes | None = None
    chosen = {_main_part(random, example), random.choice(PARTS)}
    # In the order of PARTS, because the order of a set differs between runs.
    for part in filter(chosen.__contains__, PARTS):
        if part == "body":
            body = _mutate_body(random, example, others)
        elif part == "query":
            example = replace(example, query=_mutate_pairs(random, example.query))
        elif part == "path":
            example = replace(example, path=_mutate_path(random, example))
        else:
            example = replace(example, headers=_mutate_headers(random, example.headers))
    return _build(example, _encode(example.body) if body is None else body)


def _main_part(random: Random, example: Example) -> str:
    """The part of a request to mutate: mostly the body; for GET and HEAD, the query or the path."""
    if example.method not in ("GET", "HEAD") and random.random() < 0.87:
        return "body"
    return random.choice(("query", "path")) if example.variable else "query"


def _build(example: Example, body: bytes) -> Request:
    headers = dict(example.headers)
    if example.signing_secret:
        processor = example.path.split("/")[2]
        headers.setdefault(*_signature(processor, example.signing_secret.encode(), body))
    short = [(name[:MAX_TARGET], text[:MAX_TARGET]) for name, text in example.query[:MAX_TARGET]]
    query = urlencode(short)
    target = f"{example.path}?{query}" if query else example.path
    return Request(example.method, target[:MAX_TARGET], list(headers.items()), body)


def _signature(processor: str, secret: bytes, body: bytes) -> tuple[str, str]:
    """The name and the value of the header that signs a webhook."""
    if processor == "paystack":
        return "x-paystack-signature", hmac.new(secret, body, "sha512").hexdigest()
    moment = int(time.time())  # Stripe's package compares with the machine's time
    mac = hmac.new(secret, f"{moment}.".encode() + body, "sha256").hexdigest()
    if processor == "paymongo":
        return "paymongo-signature", f"t={moment},te={mac},li="
    return "stripe-signature", f"t={moment},v1={mac}"


def _encode(body: Any) -> bytes:
    if body is None:
        return b""
    return json.dumps(body).encode() if isinstance(body, dict) else urlencode(body).encode()


# ---------------------------------------------------------- long texts


def _stretched_examples(random: Random, example: Example) -> Iterator[Example]:
    """Requests with a long run inside a text of the body or the query, for each text; and requests
    that repeat a field of a form, for each field."""
    if isinstance(example.body, dict):
        for path, text in _texts(example.body):
            for stretched in _stretched(random, text, STRETCH):
                yield replace(example, body=_replaced(example.body, path, stretched))
    elif example.body:
        for pairs in _stretched_pairs(random, example.body, STRETCH):
            yield replace(example, body=pairs)
        for pair in example.body:
            yield replace(example, body=(*example.body, *[pair] * REPEATS))
    for pairs in _stretched_pairs(random, example.query, QUERY_STRETCH):
        yield replace(example, query=pairs)


def _stretched_paths(random: Random, example: Example) -> Iterator[Example]:
    if example.variable:
        for stretched in _stretched(random, example.variable, ID_STRETCH):
            yield replace(example, path=_path_with(example, quote(stretched)))


def _stretched_pairs(random: Random, pairs: Pairs, length: int) -> Iterator[Pairs]:
    for place, (name, text) in enumerate(pairs):
        for stretched in _stretched(random, text, length):
            yield (*pairs[:place], (name, stretched), *pairs[place + 1 :])


def _stretched(random: Random, text: str, length: int) -> Iterator[str]:
    """The text's beginning, a run of blanks or of its last character, and an end that does not fit:
    a pattern with two adjacent repetitions matches it in many ways."""
    places = range(len(text) + 1)
    for place in random.sample(places, min(len(places), 8)):
        for filler in {" ": 1, text[place - 1 : place] or "0": 1}:
            yield text[:place] + filler * length + "x"


def _texts(value: Any) -> Iterator[tuple[tuple[Any, ...], str]]:
    """The texts of nested objects and lists, each with its path."""
    if isinstance(value, str):
        yield (), value
    elif isinstance(value, dict | list):
        for key, below in value.items() if isinstance(value, dict) else enumerate(value):
            for path, text in _texts(below):
                yield (key, *path), text


def _replaced(value: Any, path: tuple[Any, ...], text: str) -> Any:
    if not path:
        return text
    key, *below = path
    copy = value.copy()
    copy[key] = _replaced(value[key], tuple(below), text)
    return copy


# ------------------------------------------------------------------ bodies


def _mutate_body(random: Random, example: Example, others: list[Any]) -> bytes:
    chance = random.random()
    if chance < 0.04:
        return random.choice(values.BODIES)
    body = random.choice(others) if chance < 0.08 or example.body is None else example.body
    if isinstance(body, dict):
        content = _dump(_mutate_json(random, body)).encode("utf-8", "surrogatepass")
    else:
        content = _encode_form(random, _mutate_pairs(random, body))
    return _mutate_bytes(random, content) if random.random() < 0.08 else content


def _mutate_json(random: Random, body: dict[str, Any]) -> Any:
    tree = _to_members(body)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        node = random.choice(list(_nodes(tree)) or [tree])
        action = random.random()
        if isinstance(node, Members) and (action < 0.2 or not node):
            name = random.choice([name for name, _ in node] or ["amount"])
            if random.random() < 0.5:
                name = random.choice((_mutate_text(random, name), random.choice(values.TEXTS)))
            node.insert(random.randint(0, len(node)), (name, _hostile(random)))
        elif isinstance(node, Members):
            place = random.randrange(len(node))
            node[place] = (node[place][0], _changed(random, node[place][1]))
            if action > 0.95:
                del node[place]
        elif node:
            place = random.randrange(len(node))
            node[place] = _changed(random, node[place])
            if action > 0.9:
                node *= random.choice((2, 30, 1_000))
    return tree if random.random() < 0.98 else [tree]


def _changed(random: Random, value: Any) -> Any:
    if isinstance(value, str) and random.random() < 0.8:
        return random.choice((_mutate_text(random, value), _replacement(random, value)))
    if isinstance(value, int) and random.random() < 0.4:
        return random.choice(
            (-value, value + 1, value * 10, value / 3, str(value), 10 ** value.bit_length())
        )
    return random.choice(([value], Members([("a", value)]), _hostile(random), _hostile(random)))


def _hostile(random: Random) -> Any:
    return random.choice((Raw(random.choice(values.RAW_JSON)), random.choice(values.TEXTS)))


def _to_members(value: Any) -> Any:
    if isinstance(value, dict):
        return Members((name, _to_members(each)) for name, each in value.items())
    return [_to_members(each) for each in value] if isinstance(value, list) else value


def _nodes(tree: Any) -> Iterator[Any]:
    """The objects and lists of a tree, itself included."""
    if isinstance(tree, Members | list):
        yield tree
        for each in tree:
            yield from _nodes(each[1] if isinstance(tree, Members) else each)


def _dump(value: Any) -> str:
    if isinstance(value, Raw):
        return value
    if isinstance(value, Members):
        return "{" + ",".join(f"{json.dumps(name)}:{_dump(each)}" for name, each in value) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_dump, value)) + "]"
    return json.dumps(value, ensure_ascii=isinstance(value, str) and len(value) % 2 == 0)


def _mutate_bytes(random: Random, content: bytes) -> bytes:
    start = random.randint(0, len(content))
    end = min(len(content), start + random.choice((0, 1, 1, 5, 50)))
    inserted = random.choice(values.BYTES)
    return content[:start] + inserted + content[end if random.random() < 0.8 else len(content) :]


# ------------------------------------------------------- forms and queries


def _mutate_pairs(random: Random, pairs: Pairs) -> Pairs:
    changed = list(pairs)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        place = random.randrange(len(changed)) if changed else 0
        name, value = changed[place] if changed else ("limit", "10")
        action = random.random()
        if action < 0.45:
            value = _mutate_text(random, value)
        elif action < 0.75:
            value = _replacement(random, value)
        elif action < 0.95:
            name = _mutate_name(random, name)
        if action < 0.97 and changed and random.random() < 0.7:
            changed[place] = (name, value)
        elif action < 0.97:
            changed.insert(random.randint(0, len(changed)), (name, value))
        elif random.random() < 0.5:
            changed += [(name, value)] * random.choice((2, 101, 1_000))
        elif changed:
            del changed[place]
    return tuple(changed)


def _mutate_name(random: Random, name: str) -> str:
    if random.random() < 0.2:
        return random.choice((_mutate_text(random, name), random.choice(values.TEXTS)))
    beginning = random.choice((name, name.partition("[")[0]))
    return random.choice(values.NAMES).replace("name", beginning)


def _encode_form(random: Random, pairs: Pairs) -> bytes:
    if random.random() < 0.85:
        return urlencode(pairs, errors="surrogatepass").encode()
    encode: Callable[[str], str] = random.choice((str, quote, lambda text: text.replace("&", "%2")))
    joined = random.choice(("&", "&&", ";")).join(
        f"{encode(name)}={encode(text)}" for name, text in pairs
    )
    return joined.encode(random.choice(("utf-8", "utf-16")), "replace")


# ---------------------------------------------------------- texts, the rest


def _replacement(random: Random, text: str) -> str:
    """A hostile text that replaces a valid one, most often of the same kind."""
    fitting = next(
        texts for pattern, texts in values.KINDS if re.fullmatch(pattern, text, re.DOTALL)
    )
    return random.choice(fitting if random.random() < 0.7 else values.TEXTS)


def _mutate_text(random: Random, text: str) -> str:
    for _ in range(random.choice((1, 1, 2))):
        place = random.randint(0, len(text))
        action = random.random()
        if action < 0.5:
            beside = text[place : place + 1] or " "
            run = random.choice((" ", " ", beside, beside, random.choice(values.RUN_TEXTS)))
            run *= random.choice(values.RUN_LENGTHS)
            text = text[:place] + run + random.choice((text[place:], *values.ENDINGS))
        elif action < 0.65:
            text = text[:place] + random.choice(values.TEXTS) + text[place:]
        elif action < 0.72:
            text = text[:place] + text[place + 1 :]
        elif action < 0.8:
            text = random.choice((text.upper(), text.lower(), text[::-1], text * 2, text * 50))
        elif action < 0.9:
            text = random.choice(("", " ", "0", "-", "+", "\ufeff", "#")) + text
        else:
            text += random.choice(("", " ", "\n", "#", "\x00", "x", "é", "/", "?", "."))
    return text


def _mutate_path(random: Random, example: Example) -> str:
    """Another value for the `{id}`. For a path without one, a path that is a little different."""
    variable = example.variable or "resend"
    text = random.choice((_replacement(random, variable), _mutate_text(random, variable)))
    escaped = random.choice(
        ("%ff", "%2e%2e", "a%2fb", *[quote(text, safe="", errors="replace")] * 9)
    )
    segment = escaped[:MAX_SEGMENT] or "%20"
    if example.variable is not None:
        return _path_with(example, segment)
    return example.path + random.choice(("/", f"/{segment}", "%20", "?", "//", "/."))


def _path_with(example: Example, segment: str) -> str:
    return example.path.replace(quote(example.variable or "", safe=""), segment)


def _mutate_headers(random: Random, headers: dict[str, str]) -> dict[str, str]:
    name = random.choice(tuple(values.HEADERS))
    known = random.choice(values.HEADERS[name])
    text = random.choice((known, known, _mutate_text(random, known), random.choice(values.TEXTS)))
    if name == "authorization":
        text = _credentials(random, headers.get(name, known))
    return headers | {name: _header_text(text)}


def _credentials(random: Random, given: str) -> str:
    scheme, _, credentials = given.partition(" ")
    user = random.choice((random.choice(values.TEXTS), _mutate_text(random, "sk_test_paygate")))
    encoded = base64.b64encode(f"{user}:".encode("utf-8", "replace")).decode()
    return random.choice(
        (
            *values.HEADERS["authorization"],
            *(f"{scheme} {user}", f"Bearer {user}", f"Basic {user}", f"Basic {encoded}", user),
            *(f"{scheme.upper()}  {credentials}", f"{scheme} {credentials[:-3]}", scheme),
        )
    )


def _header_text(value: str) -> str:
    """The part of a text that a server accepts in a header: printable Latin-1 without blanks at its
    ends."""
    shown = "".join(each for each in value if each.isprintable() and each <= "\xff")
    return shown[:MAX_HEADER].strip()
