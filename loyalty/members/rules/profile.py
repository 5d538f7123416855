"""Rules of the profile (个人资料): nickname and birthday, both optional."""

import unicodedata
from calendar import isleap, monthrange
from datetime import date, datetime, timedelta

from loyalty.kernel.crypto import Vault
from loyalty.kernel.errors import InvalidInput, LimitReached, NotAllowed

NICKNAME_MAX = 20
AGE_MIN = 14
BIRTHDAY_INTERVAL = timedelta(days=365)
"""A birthday brings benefits, so nobody has two a year."""
_EARLIEST = date(1900, 1, 1)
_A_LEAP_YEAR = 2024
_CONTROLS = frozenset({"Cc", "Cs", "Co", "Zl", "Zp"})


class NicknameInvalid(InvalidInput):
    """Empty, too long, or with characters that nobody can see."""

    code = "nickname_invalid"
    message = "昵称须为 1–20 个字符，且不能包含控制字符"


class BirthdayInvalid(InvalidInput):
    """In the future, or before 1900."""

    code = "birthday_invalid"
    message = "请输入正确的生日"


class BirthdayChangedLately(LimitReached):
    """The birthday was changed within the last year; ``details`` tells from when it may be."""

    code = "birthday_changed_lately"
    message = "生日一年只能修改一次"


class UnderAge(NotAllowed):
    """Children under 14 need a parent's consent, which nobody here can check (PIPL, article 31)."""

    code = "under_age"
    message = "未满 14 周岁暂不能成为会员，请由监护人联系门店"


def clean_nickname(text: str) -> str:
    """Return a nickname in normal form.

    Raises:
        NicknameInvalid: empty, too long, or with invisible characters.
    """
    nickname = unicodedata.normalize("NFC", text).strip()
    categories = {unicodedata.category(character) for character in nickname}
    is_visible = not categories <= {"Cf", "Mn", "Zs"}
    if categories & _CONTROLS or not is_visible or len(nickname) > NICKNAME_MAX:
        raise NicknameInvalid
    return nickname


def age_on(birthday: date, today: date) -> int:
    """Return the completed years of life; who was born on 29 February ages on 1 March."""
    had_birthday = (today.month, today.day) >= (birthday.month, birthday.day)
    return today.year - birthday.year - (0 if had_birthday else 1)


def days_celebrated(day: date) -> tuple[tuple[int, int], ...]:
    """Return which birthdays, as month and day, are celebrated on a date.

    Who was born on 29 February celebrates on the 28th of other years.
    """
    if (day.month, day.day) == (2, 28) and not isleap(day.year):
        return (2, 28), (2, 29)
    return ((day.month, day.day),)


def days_of_month(month: int) -> tuple[tuple[int, int], ...]:
    """Return the birthdays of a month, as month and day, 29 February included."""
    return tuple((month, day) for day in range(1, monthrange(_A_LEAP_YEAR, month)[1] + 1))


def birthday_mark(vault: Vault, month: int, day: int) -> bytes:
    """Return the blind index by which members with a birthday on a day of the year are found."""
    return vault.index(f"{month:02d}-{day:02d}", context="members.birthday_day")


def check_birthday(birthday: date, *, today: date) -> None:
    """Refuse a birthday that cannot be, or of a child.

    Raises:
        BirthdayInvalid: in the future, or before 1900.
        UnderAge: less than 14 years ago.
    """
    if not _EARLIEST <= birthday <= today:
        raise BirthdayInvalid
    if age_on(birthday, today) < AGE_MIN:
        raise UnderAge


def check_birthday_change(changed_at: datetime | None, *, at: datetime) -> None:
    """Refuse a second change within a year.

    Raises:
        BirthdayChangedLately: too soon after the last one.
    """
    if changed_at is not None and at < changed_at + BIRTHDAY_INTERVAL:
        raise BirthdayChangedLately(from_at=(changed_at + BIRTHDAY_INTERVAL).isoformat())
