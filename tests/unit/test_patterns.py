"""No regular expression of the code base takes more than linear time, whatever text it reads."""

import ast
import re
import time
from collections.abc import Iterator
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.backtracking import hostile_texts, long_search
from tests.roots import ROOT
from tests.world import TEMPLATE

FOLDERS = ("layers/checkout/checkout", "functions", "shop", "devstack", "scripts", "build_tools")
ANCHORED, ANYWHERE = (
    {"match", "fullmatch"},
    {"search", "findall", "finditer", "sub", "subn", "split"},
)
USES = ANCHORED | ANYWHERE
LENGTH = 20_000
SECONDS = 2.0
"""The most CPU time for one text. A linear search takes about a thousandth of it, and a quadratic
one several times as much."""


class Expression(NamedTuple):
    where: str
    pattern: str | bytes
    flags: int
    uses: frozenset[str]

    @property
    def anywhere(self) -> bool:
        return bool(self.uses & ANYWHERE)


def computed_patterns() -> dict[str, list[str]]:
    """The patterns that a file computes while it runs, by file."""
    from checkout.api.routes import ROUTES
    from checkout.domain.card_brands import BRANDS
    from checkout.store.erasure import patterns_of
    from devstack.aws.api_gateway import _pattern

    return {
        "layers/checkout/checkout/api/routes.py": [pattern for _, pattern in ROUTES],
        "layers/checkout/checkout/domain/card_brands.py": [digits for _, digits in BRANDS.values()],
        "layers/checkout/checkout/store/erasure.py": [
            each.pattern for each in patterns_of("ama@example.com", "0240000001")
        ],
        "devstack/aws/api_gateway.py": [_pattern(route).pattern for route in TEMPLATE.routes],
    }


@lru_cache(maxsize=1)
def files() -> dict[str, ast.Module]:
    found = sorted(file for folder in FOLDERS for file in (ROOT / folder).rglob("*.py"))
    return {str(file.relative_to(ROOT)): ast.parse(file.read_text()) for file in found}


@lru_cache(maxsize=1)
def uses_of_names() -> dict[str, set[str]]:
    """The methods that are called on a name anywhere, by the name, for example EMAIL."""
    uses: dict[str, set[str]] = {}
    for tree in files().values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                uses.setdefault(node.value.id, set()).add(node.attr)
    return uses


def expressions() -> Iterator[Expression]:
    for file, tree in files().items():
        names = {
            id(each.value): _target(each) for each in tree.body if isinstance(each, ast.Assign)
        }
        for method, call in calls_of_re(tree):
            named = uses_of_names().get(names.get(id(call), ""), set()) & USES
            uses = frozenset(named or {method})
            for pattern, flags in _patterns(method, call, file):
                yield Expression(f"{file}:{call.lineno}", pattern, flags, uses)


def calls_of_re(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """The calls of `re.compile`, `re.sub` and so on, with the function's name."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="re"), attr=method)):
                if method in USES | {"compile"}:
                    yield method, node


def _patterns(method: str, call: ast.Call, file: str) -> list[tuple[str, int]]:
    """The patterns of a call, each with its flags."""
    try:
        return [_arguments(call, method, file)]
    except NameError:
        return [(each, 0) for each in computed_patterns()[file]]


def _target(node: ast.Assign) -> str:
    return node.targets[0].id if isinstance(node.targets[0], ast.Name) else ""


def _arguments(call: ast.Call, method: str, file: str) -> tuple[str, int]:
    """The pattern and the flags. Raises NameError if they are computed in a function."""
    values = [call.args[0], *_flags(call, method)]
    constant = all(isinstance(each, ast.Constant) for each in values[:1])
    names = {"re": re} if constant else vars(import_module(_module(file)))
    evaluated = [eval(ast.unparse(each), dict(names)) for each in values]
    return evaluated[0], int(evaluated[1]) if len(evaluated) > 1 else 0


def _flags(call: ast.Call, method: str) -> list[ast.expr]:
    place = {"compile": 1, "sub": 4, "subn": 4, "split": 3}.get(method, 2)
    named = [each.value for each in call.keywords if each.arg == "flags"]
    return named or call.args[place : place + 1]


def _module(file: str) -> str:
    path = Path(file).with_suffix("")
    return ".".join(path.parts[2:] if path.parts[0] == "layers" else path.parts)


EXPRESSIONS = list(expressions())


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=lambda each: f"{each.where} {each.pattern}")
def test_an_expression_takes_linear_time(expression: Expression) -> None:
    pattern, flags = expression.pattern, expression.flags
    assert long_search(pattern, flags, anywhere=expression.anywhere) is None, expression

    compiled = re.compile(pattern, flags)
    uses: Any = [compiled.search] if expression.anywhere else [compiled.match, compiled.fullmatch]
    for each in hostile_texts(pattern, flags, LENGTH):
        text = each if isinstance(pattern, str) else each.encode("latin-1", "replace")
        for use in uses:
            started = time.process_time()
            use(text)
            assert time.process_time() - started < SECONDS, (expression, text[:40])


def test_every_expression_is_found() -> None:
    patterns = {each.pattern for each in EXPRESSIONS}

    assert len(patterns) > 40
    assert r"\d{3,4}" in patterns
    assert not [
        f"{file}:{node.lineno}"
        for file, tree in files().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module in ("re", "regex", "sre_compile")
    ], "import the module re itself, so that this test finds the expression"


@pytest.mark.parametrize(
    ("pattern", "anywhere"),
    [
        (r"(0?[1-9]|1[0-2])\s*/?\s*(?:20)?(\d\d)", False),
        (r"\s*\s*x", False),
        (r"a*[ab]a*b", False),
        (r".*,.*,.*;", False),
        (r"(a*)*b", False),
        (r"(?:ab|[ab][ab])*c", False),
        (r"(a+)+b", False),
        (r"(?:a?a?)+b", False),
        (r"(?:\w+\.?)+@", False),
        (r"\d{0,5000}\d{0,5000}x", False),
        (r"(?=.*.*x)a", False),
        (r"\s+$", True),
        (r"\$\{([^}!]+)\}", True),
        (r"(?=.*x)a", True),
    ],
)
def test_an_expression_with_ambiguous_loops_is_recognized(pattern: str, anywhere: bool) -> None:
    assert long_search(pattern, anywhere=anywhere)


@pytest.mark.parametrize(
    ("pattern", "anywhere"),
    [
        (r"\s*(?:/\s*)?x", False),
        (r"(?:[a-z]+\.)+[a-z]+", False),
        (r"(?:ab*)*c", False),
        (r"\d{4}-\d\d", True),
        (r"\s+$", False),
        (r"(?=.*x)a{1,20}", False),
    ],
)
def test_an_expression_with_unambiguous_loops_is_accepted(pattern: str, anywhere: bool) -> None:
    assert long_search(pattern, anywhere=anywhere) is None
