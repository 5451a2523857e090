"""Lambda layers: the template's layers on the import path, as handlers find them."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def importable(layers: Sequence[Path]) -> Iterator[None]:
    """Put the layers on the import path, and clear what an earlier stack left in their caches."""
    added = [str(layer) for layer in layers]
    sys.path[:0] = added
    _clear_caches(layers)
    try:
        yield
    finally:
        _clear_caches(layers)
        for entry in added:
            sys.path.remove(entry)


def _clear_caches(layers: Sequence[Path]) -> None:
    """Clear the functools caches of the layers' modules, which hold an earlier stack's clients."""
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if not file or not any(layer in Path(file).parents for layer in layers):
            continue
        for value in list(vars(module).values()):
            clear = getattr(value, "cache_clear", None)
            if callable(clear):
                clear()
