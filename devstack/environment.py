"""Sets the process environment that the functions run with, and restores it."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


@contextmanager
def applied(variables: Mapping[str, str], keep_aws: bool = False) -> Iterator[None]:
    """Set `variables` and restore the environment afterwards.

    Unless `keep_aws`, all other AWS_* variables are removed: a developer's profile, keys or
    endpoints for real AWS must not reach a local engine.
    """
    before = dict(os.environ)
    if not keep_aws:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            del os.environ[name]
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
