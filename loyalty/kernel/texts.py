"""Texts that can be kept: PostgreSQL stores no NUL, and UTF-8 has no half of a surrogate pair."""

import json
import re
from typing import Any

_DOUBTFUL = re.compile(rb"\\u(?:0000|d[89a-f])", re.IGNORECASE)
"""Escapes of what cannot be stored, and of emoji: only JSON with one is looked through."""


class TextNotStorable(Exception):
    """JSON is well-formed and holds a text that cannot be stored."""


def is_storable(value: Any) -> bool:
    """Tell whether every text in a value read from JSON or XML can be stored."""
    if isinstance(value, str):
        return "\0" not in value and not any("\ud800" <= character <= "\udfff" for character in value)
    if isinstance(value, dict):
        return all(is_storable(name) and is_storable(inner) for name, inner in value.items())
    if isinstance(value, list):
        return all(map(is_storable, value))
    return True


def read_json(body: bytes) -> Any:
    """Read JSON of which every text can be stored.

    Raises:
        TextNotStorable: one of them cannot.
        ValueError, RecursionError: it is no JSON, or nested too deep to be read.
    """
    value = json.loads(body.decode())
    if _DOUBTFUL.search(body) and not is_storable(value):
        raise TextNotStorable
    return value
