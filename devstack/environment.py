"""The process environment that handlers find, put in place and taken away again."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


@contextmanager
def applied(variables: Mapping[str, str], keep_aws: bool = False) -> Iterator[None]:
    """Set `variables`; every other AWS_* variable is gone meanwhile, unless `keep_aws`.

    A profile, an endpoint or a key that the user has for real AWS must not reach a local engine.
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
