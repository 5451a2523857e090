"""The page's templates: compiled to Python in a build, loaded as source elsewhere."""

import re
import string
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from jinja2 import BaseLoader, Environment, FileSystemLoader, ModuleLoader, StrictUndefined

SOURCES = Path(__file__).parent / "templates"
COMPILED = Path(__file__).parent / "compiled"

_PUNCTUATION = re.compile(r"\s{0,99}([{}();,=<>*?:&|!])\s{0,99}")
_SIGN = re.compile(r"(?<![+\s-])\s{0,99}([+-])\s{0,99}(?![+\s-])")
"""A plus or minus that is not beside another one."""
_FUNCTION = re.compile(r"\bfunction (\w{1,99})")
_PARAMETERS = re.compile(r"\(([\w,]{1,999})\)\{")
_VARIABLE = re.compile(r"(?:^|,)(\w{4,99})(?=[=,]|$)")
_IDENTIFIER = re.compile(r"(?<![.\w])\w{1,99}")
_PROPERTY = re.compile(r"\.(\w{1,99})|\b(\w{1,99}):")
_CUSTOM_PROPERTY = re.compile(r"(?<![\w-])--([a-z-]{1,99})")
_LETTERS = string.ascii_letters
_KEYWORDS = ("do", "if", "in")


class Sources(FileSystemLoader):
    """Loads templates. Styles and scripts are made smaller, because the page has a limit of
    30 kB."""

    def get_source(
        self, environment: Environment, template: str
    ) -> tuple[str, str, Callable[[], bool]]:
        source, path, is_current = super().get_source(environment, template)
        if template.endswith(".css"):
            source = _small_style(source)
        elif template.endswith(".js"):
            source = _small(source)
        return source, path, is_current


def _small_style(style: str) -> str:
    """The style sheet in fewer lines, with custom properties of one letter."""
    names = dict.fromkeys(_CUSTOM_PROPERTY.findall(style))
    short = dict(zip(names, _LETTERS, strict=False))
    style = _CUSTOM_PROPERTY.sub(lambda found: f"--{short[found[1]]}", style)
    return style.replace("}\n", "}")


def _small(script: str) -> str:
    """The script without comments, blanks that only readers need, and long names. So a script has
    no blanks in regular expressions, no escaped quotes, and no variable that is named like
    something global."""
    before, *rest = script.split("{#")
    parts = "".join([before, *(each.partition("#}")[2] for each in rest)]).split('"')
    # Code and strings alternate.
    parts[::2] = [_SIGN.sub(r"\1", _PUNCTUATION.sub(r"\1", code)) for code in parts[::2]]
    short = _short_names('""'.join(parts[::2]))
    parts[::2] = [
        _IDENTIFIER.sub(lambda name: short.get(name[0], name[0]), code) for code in parts[::2]
    ]
    return '"'.join(parts)


def _short_names(code: str) -> dict[str, str]:
    """A name of one or two letters for each function and variable that is nowhere a property or a
    key. The names that are used most are the shortest."""
    statements = [each.partition(";")[0] for each in code.split("var ")[1:]]
    lists = [*_FUNCTION.findall(code), *_PARAMETERS.findall(code), *statements]
    declared = dict.fromkeys(name for each in lists for name in _VARIABLE.findall(each))
    properties = {name for pair in _PROPERTY.findall(code) for name in pair}
    safe = [name for name in declared if name not in properties]
    uses = Counter(_IDENTIFIER.findall(code))
    possible = (*_LETTERS, *(a + b for a in _LETTERS for b in _LETTERS))
    free = (name for name in possible if name not in uses and name not in _KEYWORDS)
    return dict(zip(sorted(safe, key=lambda name: -uses[name]), free, strict=False))


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
