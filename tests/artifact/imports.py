"""What each built function imports at a cold start, and the table of it that the tests compare.

python -m tests.artifact.imports      writes the table anew, from what `make build` built
"""

import tempfile
import textwrap
from pathlib import Path
from typing import NamedTuple

from build_tools.artifact import BUILD, Artifact

TABLE = Path(__file__).with_name("imports.txt")
EVERY = "every function"
INTRODUCTION = """\
# What each function imports at a cold start, in addition to what every function imports: modules of
# this project, then packages. Each import costs time at each cold start. If a new one is worth it,
# write this file anew: python -m tests.artifact.imports
"""

START = """
import os
compiled = []
def record_compilation(event, arguments):
    if event == "compile" and str(arguments[1]).endswith(".py"):
        compiled.append(str(arguments[1]))
sys.addaudithook(record_compilation)

import handler

loaded = {
    name: module for name, module in sys.modules.items()
    if "/opt/" in (file := getattr(module, "__file__", None) or "") or "/task/" in file
}
print(json.dumps({
    "modules": [name.partition(".")[2] for name, module in loaded.items()
                if name.startswith("checkout.") and not hasattr(module, "__path__")],
    "packages": list({name.partition(".")[0] for name in loaded} - {"checkout", "handler"}),
    "compiled": compiled,
    "uncached": [name for name, module in loaded.items()
                 if module.__file__.endswith(".py") and not os.path.exists(module.__cached__)],
    "clients": sys.modules["checkout.store.table"].open_table.cache_info().currsize,
}))
"""
"""Code that starts a function in a fresh process. Its `compiled` and `uncached` are the files that
were not loaded from bytecode."""


class Start(NamedTuple):
    """A function's cold start."""

    modules: frozenset[str]
    packages: frozenset[str]
    compiled: list[str]
    uncached: list[str]
    clients: int


class Imports(NamedTuple):
    modules: frozenset[str]
    packages: frozenset[str]


def start(artifact: Artifact, function: str, code: str = START) -> Start:
    found = artifact.run(function, code)
    return Start(
        frozenset(found["modules"]),
        frozenset(found["packages"]),
        found["compiled"],
        found["uncached"],
        found["clients"],
    )


def read_table() -> dict[str, Imports]:
    """The table: imports by function, completed with those of every function."""
    lines = [line for line in TABLE.read_text().splitlines() if not line.startswith("#")]
    blocks: dict[str, list[str]] = {}
    for line in lines:
        if not line.startswith(" "):
            blocks[name := line] = []
        else:
            blocks[name].append(line)
    shared, *functions = [(name, _parse(lines)) for name, lines in blocks.items()]
    return {
        name: Imports(each.modules | shared[1].modules, each.packages | shared[1].packages)
        for name, each in functions
    }


def _parse(lines: list[str]) -> Imports:
    names = " ".join(lines).split()
    packages = frozenset(name[1:] for name in names if name.startswith("+"))
    return Imports(frozenset(name for name in names if not name.startswith("+")), packages)


def write_table(table: dict[str, Imports]) -> None:
    modules = frozenset.intersection(*(each.modules for each in table.values()))
    packages = frozenset.intersection(*(each.packages for each in table.values()))
    blocks = {EVERY: Imports(modules, packages)} | {
        name: Imports(each.modules - modules, each.packages - packages)
        for name, each in sorted(table.items())
    }
    TABLE.write_text(INTRODUCTION + "".join(f"{n}\n{_format(each)}" for n, each in blocks.items()))


def _format(imports: Imports) -> str:
    names = [*sorted(imports.modules), *(f"+{name}" for name in sorted(imports.packages))]
    lines = textwrap.wrap(" ".join(names), 96, break_on_hyphens=False)
    return "".join(f"    {line}\n" for line in lines)


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        artifact = Artifact.unpack(BUILD, Path(scratch))
        starts = {name: start(artifact, name) for name in artifact.functions}
    write_table({name: Imports(each.modules, each.packages) for name, each in starts.items()})


if __name__ == "__main__":
    main()
