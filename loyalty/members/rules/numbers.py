"""Member numbers (会员号): nine digits that follow no order, and a check digit.

The member's id goes through a keyed permutation, so that a number tells neither how many members
there are nor who came next; ids are unique and so are numbers. A leading zero is part of a number.
"""

from loyalty.kernel.codes import has_luhn_digit, luhn_digit
from loyalty.kernel.permutation import permute

DIGITS = 10
_HALF_DIGITS, _BOUND = 5, 10**9


def number_of(member_id: int, *, key: bytes) -> str:
    """Return the number that a member with this id gets at enrolment."""
    if not 0 < member_id < _BOUND:
        raise ValueError("member ids have nine digits at most")
    number = permute(member_id, half_digits=_HALF_DIGITS, key=key)
    while number >= _BOUND:  # walk the cycle back into nine digits
        number = permute(number, half_digits=_HALF_DIGITS, key=key)
    digits = f"{number:09d}"
    return digits + luhn_digit(digits)


def is_number(text: str) -> bool:
    """Tell whether a text has the shape of a member number, check digit included."""
    return len(text) == DIGITS and text.isascii() and has_luhn_digit(text)
