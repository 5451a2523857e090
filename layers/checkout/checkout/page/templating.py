"""The page's templates: compiled to Python in a build, loaded as source elsewhere."""

import re
from functools import lru_cache
from pathlib import Path

from jinja2 import BaseLoader, Environment, FileSystemLoader, ModuleLoader, StrictUndefined
from jinja2.ext import Extension

SOURCES = Path(__file__).parent / "templates"
COMPILED = Path(__file__).parent / "compiled"


_STRING_OR_BLANKS = re.compile(r'("(?:[^"\\]|\\.)*")|\s*([{}();,=<>*?:&|])\s*')


class ScriptsWithoutBlanks(Extension):
    """Removes the blanks of scripts that only readers need: the page has a limit of 30 kB. Regular
    expressions in scripts are therefore written without blanks."""

    def preprocess(self, source: str, name: str | None, _filename: str | None = None) -> str:
        if name is None or not name.endswith(".js"):
            return source
        code = re.sub(r"\{#.*?#\}", "", source, flags=re.DOTALL)
        return _STRING_OR_BLANKS.sub(lambda found: found[1] or found[2], code)


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
