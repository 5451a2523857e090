"""The page's templates: compiled to Python in a build, loaded as source elsewhere."""

from functools import lru_cache
from pathlib import Path

from jinja2 import BaseLoader, Environment, FileSystemLoader, ModuleLoader, StrictUndefined

SOURCES = Path(__file__).parent / "templates"
COMPILED = Path(__file__).parent / "compiled"


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
    return environment(ModuleLoader(COMPILED) if COMPILED.is_dir() else FileSystemLoader(SOURCES))
