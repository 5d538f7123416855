from typing import Any

import pytest

from loyalty.kernel.texts import is_storable


@pytest.mark.parametrize(
    "value", ["", "会员", "😀𠮷", "\\u0000", "\u202e\n", 1, None, [], {}, {"a": ["b", {"c": "d"}]}]
)
def test_what_people_write_can_be_stored(value: Any) -> None:
    assert is_storable(value)


@pytest.mark.parametrize("value", ["a\0b", "\ud800", "x\udfff", ["a", "\0"], {"\0": 1}, {"a": [{"b": "\ud83d"}]}])
def test_nul_and_half_a_character_cannot(value: Any) -> None:
    assert not is_storable(value)
