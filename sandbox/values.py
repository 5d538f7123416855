"""The value rules of typed template keys (``thing1``, ``time2`` …), as in the platform's own table.

A key without a known type, as in old templates (``keyword1``), has no rule here: the platform only cuts it.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import date

TYPED = re.compile(r"([a-z_]+?)\d+")
CLOCK = r"(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d)?"
DAY = r"\d{4}(?:年\d{1,2}月\d{1,2}日|-\d{1,2}-\d{1,2})"
TIME = re.compile(rf"(?:({DAY})\s*)?{CLOCK}")
DATE = re.compile(rf"({DAY})(?:\s*{CLOCK})?")
AMOUNT = re.compile(r"([^\d]?)(\d+)(?:\.(\d+))?元?")
NUMBER = re.compile(r"(\d+)(?:\.(\d+))?", re.ASCII)
PHONE = re.compile(r"[0-9!-/:-@\[-`{-~]{1,17}")
EMOJI_FROM = 0x1F000
JOINERS = {0x200D, 0xFE0F, 0x20E3}
HAN = r"[㐀-䶿一-鿿豈-﫿]"
CAR = re.compile(rf"(?:{HAN}|[0-9A-Za-z])(?:[0-9A-Za-z]{{0,6}}(?:{HAN}|[0-9A-Za-z]))?")


def kind_of(key: str) -> str | None:
    """The type in a key's name, or None for an untyped key."""
    found = TYPED.fullmatch(key)
    return found[1] if found and (found[1] in RULES or found[1] in ("enum", "const")) else None


def fits(key: str, value: str, *, choices: Mapping[str, Sequence[str]]) -> bool:
    """Whether a value keeps the rule of its key's type. The empty text never fits."""
    if not value.strip():
        return False
    kind = kind_of(key)
    if kind in ("enum", "const"):
        return len(value) <= 20 and value in choices.get(key, (value,))
    return kind is None or RULES[kind](value)


def is_emoji(character: str) -> bool:
    """Whether this is an emoji or a part of one."""
    return ord(character) >= EMOJI_FROM and ord(character) < 0x20000 or ord(character) in JOINERS


def _is_printable(value: str) -> bool:
    return not any(is_emoji(one) or unicodedata.category(one) in ("Cc", "Cf", "Co", "Cs", "Zl", "Zp") for one in value)


def _is_symbol(character: str) -> bool:
    return unicodedata.category(character)[0] in "PS" and not is_emoji(character)


def _thing(value: str) -> bool:
    return len(value) <= 20 and _is_printable(value)


def _number(value: str) -> bool:
    found = NUMBER.fullmatch(value)
    return found is not None and len(found[1] + (found[2] or "")) <= 32


def _letter(value: str) -> bool:
    return len(value) <= 32 and value.isascii() and value.isalpha()


def _symbol(value: str) -> bool:
    return len(value) <= 5 and all(_is_symbol(one) for one in value)


def _character_string(value: str) -> bool:
    return len(value) <= 32 and all("!" <= one <= "~" for one in value)


def _is_day(text: str | None) -> bool:
    if text is None:
        return True
    year, month, day = (int(part) for part in re.findall(r"\d+", text))
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def _matches(pattern: re.Pattern[str], value: str) -> bool:
    """One moment, or two joined by ``~``."""
    found = [pattern.fullmatch(part.strip()) for part in value.split("~")]
    return len(found) <= 2 and all(one is not None and _is_day(one[1]) for one in found)


def _time(value: str) -> bool:
    return value.isprintable() and _matches(TIME, value)


def _date(value: str) -> bool:
    return value.isprintable() and _matches(DATE, value)


def _amount(value: str) -> bool:
    found = AMOUNT.fullmatch(value)
    if found is None or not (found[2] + (found[3] or "")).isascii():
        return False
    sign_fits = not found[1] or unicodedata.category(found[1]) == "Sc"
    return sign_fits and len(found[2] + (found[3] or "")) <= 10


def _phone_number(value: str) -> bool:
    return PHONE.fullmatch(value) is not None


def _car_number(value: str) -> bool:
    return CAR.fullmatch(value) is not None


def _name(value: str) -> bool:
    """At most 20 letters and symbols, or 10 characters as soon as one is Chinese. No digits."""
    is_chinese = re.search(HAN, value) is not None
    right = all(one == " " or one.isalpha() or _is_symbol(one) for one in value)
    return right and _is_printable(value) and len(value) <= (10 if is_chinese else 20)


def _phrase(value: str) -> bool:
    return re.fullmatch(f"{HAN}{{1,5}}", value) is not None


RULES: dict[str, Callable[[str], bool]] = {
    "thing": _thing,
    "number": _number,
    "letter": _letter,
    "symbol": _symbol,
    "character_string": _character_string,
    "time": _time,
    "date": _date,
    "amount": _amount,
    "phone_number": _phone_number,
    "car_number": _car_number,
    "name": _name,
    "phrase": _phrase,
}
