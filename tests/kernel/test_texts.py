from typing import Any

import pytest

from loyalty.kernel.texts import TextNotStorable, is_storable, read_json


@pytest.mark.parametrize(
    "value", ["", "会员", "😀𠮷", "\\u0000", "\u202e\n", 1, None, [], {}, {"a": ["b", {"c": "d"}]}]
)
def test_what_people_write_can_be_stored(value: Any) -> None:
    assert is_storable(value)


@pytest.mark.parametrize("value", ["a\0b", "\ud800", "x\udfff", ["a", "\0"], {"\0": 1}, {"a": [{"b": "\ud83d"}]}])
def test_nul_and_half_a_character_cannot(value: Any) -> None:
    assert not is_storable(value)


@pytest.mark.parametrize("body", [rb'{"a": "\u0000"}', rb'["\uD83d"]', rb'{"\udc00": 1}'])
def test_json_with_an_escape_of_what_cannot_be_stored_is_refused(body: bytes) -> None:
    with pytest.raises(TextNotStorable):
        read_json(body)


@pytest.mark.parametrize("body", [rb'"\ud83d\ude00"', '"😀"'.encode(), rb'"\\u0000"'])
def test_json_with_emoji_and_with_a_backslash_is_read(body: bytes) -> None:
    assert read_json(body) in ("😀", "\\u0000")


@pytest.mark.parametrize("body", [b"{", b"\xff", b'"\0"', b"[" * 200_000])
def test_what_is_no_json_is_told_apart(body: bytes) -> None:
    with pytest.raises((ValueError, RecursionError)):
        read_json(body)
