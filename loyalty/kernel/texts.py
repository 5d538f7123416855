"""Texts that can be kept: PostgreSQL stores no NUL, and UTF-8 has no half of a surrogate pair."""

from typing import Any


def is_storable(value: Any) -> bool:
    """Tell whether every text in a value read from JSON or XML can be stored."""
    if isinstance(value, str):
        return "\0" not in value and not any("\ud800" <= character <= "\udfff" for character in value)
    if isinstance(value, dict):
        return all(is_storable(name) and is_storable(inner) for name, inner in value.items())
    if isinstance(value, list):
        return all(map(is_storable, value))
    return True
