"""Payees (收款人实名信息): a name and an ID number as the tax authority wants them."""

import re

from loyalty.kernel.checking import is_tidy
from loyalty.payouts.rules.errors import InvalidPayee

_NAME_LENGTH_MAX = 50
_ID_NUMBER = re.compile(r"[1-9]\d{16}[\dX]")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_DIGITS = "10X98765432"


def check_payee(name: str, id_number: str) -> None:
    """Refuse a name that is none and an ID number whose check digit does not fit (GB 11643-1999).

    Raises:
        InvalidPayee: ``details`` says which.
    """
    if not is_tidy(name, _NAME_LENGTH_MAX) or any(letter.isdigit() for letter in name):
        raise InvalidPayee(field="name")
    if not _ID_NUMBER.fullmatch(id_number) or id_number[-1] != _check_digit(id_number):
        raise InvalidPayee(field="id_number")


def _check_digit(id_number: str) -> str:
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, id_number, strict=False))
    return _CHECK_DIGITS[total % 11]
