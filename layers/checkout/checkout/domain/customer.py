"""A merchant's customer. A checkout session may name one."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    id: str
    scope: str
    created_at: int
    updated_at: int
    email: str | None = None
    name: str | None = None
    phone: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    deleted_at: int | None = None
    details: dict[str, Any] = field(default_factory=dict)
    """Fields that only the merchant's dialect has."""
