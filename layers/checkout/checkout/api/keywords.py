"""Keywords of JSON Schema that a type does not say, for the OpenAPI documents.

Amount = Annotated[int, Keywords(minimum=1)]
"""

from typing import Any


class Keywords:
    """Hashable, unlike a dictionary, because a type may be part of a union."""

    def __init__(self, **keywords: Any) -> None:
        self.keywords = keywords
