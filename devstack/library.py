"""The template's layers as Lambda gives them to handlers: on the import path, freshly started."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def on_path(layers: Sequence[Path]) -> Iterator[None]:
    """Put the layers on the import path, and forget what an earlier stack left in memory."""
    added = [str(layer) for layer in layers]
    sys.path[:0] = added
    _forget_caches(layers)
    try:
        yield
    finally:
        _forget_caches(layers)
        for entry in added:
            sys.path.remove(entry)


def _forget_caches(layers: Sequence[Path]) -> None:
    """Clear the functools caches of the layers' modules: they hold another stack's clients."""
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if not file or not any(layer in Path(file).parents for layer in layers):
            continue
        for value in list(vars(module).values()):
            clear = getattr(value, "cache_clear", None)
            if callable(clear):
                clear()
