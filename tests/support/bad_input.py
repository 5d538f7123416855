"""What strangers type, scan and send: texts that no field expects and that no door may trip over."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

HALF_A_PAIR = "\ud800"
"""Half of a surrogate pair: JSON can write it, UTF-8 cannot."""
TOO_BIG = "9" * 23
"""A number beyond every column."""

TEXTS = (
    "a\0b",
    HALF_A_PAIR,
    "😀𠮷",
    TOO_BIG,
    "1" * 5000,
    "x" * 70_000,
    "-1",
    "²",
    "１２",
    "1e9",
    "NaN",
    "0001-01",
    "9999-12",
    "0001-01-01",
    "9999-12-31",
    "' OR 1=1 --",
    "\u202e",
    "\r\nSet-Cookie: a=b",
    " ",
    "",
)
VALUES: tuple[Any, ...] = (*TEXTS, None, True, -1, 0, 10**30, 1e308, [], {}, [[]], {"a": 1})


def percent_encoded(text: str) -> str:
    """Write a text into an address as a client without scruples would."""
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


def spoiled(value: Any) -> Iterator[Any]:
    """Yield a JSON value with one part after the other replaced by what does not belong there."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from ({**value, name: worse} for worse in spoiled(part))
        yield {**value, "unknown": 1}
    elif isinstance(value, list):
        yield from ([worse] for worse in spoiled(value[0]))
        yield value * 200
    yield from VALUES


def raw_bodies() -> Iterator[bytes]:
    """Yield bodies that are no JSON, or JSON that cannot be meant."""
    yield from (b"", b"\xff\x00", b"{", b"null", b'"x"', b'{"a":NaN}', b"1" * 5000, b"\xef\xbb\xbf{}")
    yield from (b"[" * 100_000, b'{"a":' * 50_000, json.dumps({}).encode("utf-16"), b'{"phone":"\xed\xa0\x80"}')
    # Not too deep to be read, but to be looked through: the two give up at different depths.
    yield from (b'{"a":' * depth + rb'"\u0000"' + b"}" * depth for depth in (450, 900))
