"""The page's templates: as the build compiled them to Python or, on a developer's machine, as they
stand. Both are made by the same environment."""

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
