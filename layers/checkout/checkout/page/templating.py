"""The page's templates: compiled to Python in a build, loaded as source elsewhere."""

import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from jinja2 import BaseLoader, Environment, FileSystemLoader, ModuleLoader, StrictUndefined

SOURCES = Path(__file__).parent / "templates"
COMPILED = Path(__file__).parent / "compiled"

_PUNCTUATION = re.compile(r"\s{0,99}([{}();,=<>*?:&|])\s{0,99}")


class Sources(FileSystemLoader):
    """Loads templates. Scripts lose their comments, and blanks that only readers need, because the
    page has a limit of 30 kB. They therefore have no blanks in regular expressions, and no escaped
    quotes."""

    def get_source(
        self, environment: Environment, template: str
    ) -> tuple[str, str, Callable[[], bool]]:
        source, path, is_current = super().get_source(environment, template)
        return _without_blanks(source) if template.endswith(".js") else source, path, is_current


def _without_blanks(script: str) -> str:
    before, *rest = script.split("{#")
    parts = "".join([before, *(each.partition("#}")[2] for each in rest)]).split('"')
    # Code and strings alternate.
    parts[::2] = [_PUNCTUATION.sub(r"\1", code) for code in parts[::2]]
    return '"'.join(parts)


def environment(loader: BaseLoader) -> Environment:
    return Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@lru_cache(maxsize=1)
def templates() -> Environment:
    return environment(ModuleLoader(COMPILED) if COMPILED.is_dir() else Sources(SOURCES))
