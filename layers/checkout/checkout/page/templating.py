"""The page's templates: compiled to Python in a build, loaded as source elsewhere."""

import re
from functools import lru_cache
from pathlib import Path

from jinja2 import BaseLoader, Environment, FileSystemLoader, ModuleLoader, StrictUndefined
from jinja2.ext import Extension

SOURCES = Path(__file__).parent / "templates"
COMPILED = Path(__file__).parent / "compiled"

_PUNCTUATION = re.compile(r"\s{0,99}([{}();,=<>*?:&|])\s{0,99}")


class ScriptsWithoutBlanks(Extension):
    """Removes the comments of scripts, and blanks that only readers need: the page has a limit of
    30 kB. Scripts therefore have no blanks in regular expressions, and no escaped quotes."""

    def preprocess(self, source: str, name: str | None, _filename: str | None = None) -> str:
        if name is None or not name.endswith(".js"):
            return source
        before, *rest = source.split("{#")
        parts = "".join([before, *(each.partition("#}")[2] for each in rest)]).split('"')
        # Code and strings alternate.
        parts[::2] = [_PUNCTUATION.sub(r"\1", code) for code in parts[::2]]
        return '"'.join(parts)


def environment(loader: BaseLoader) -> Environment:
    return Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        extensions=[ScriptsWithoutBlanks],
        trim_blocks=True,
        lstrip_blocks=True,
    )


@lru_cache(maxsize=1)
def templates() -> Environment:
    return environment(ModuleLoader(COMPILED) if COMPILED.is_dir() else FileSystemLoader(SOURCES))
