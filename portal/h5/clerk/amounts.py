"""Amounts (金额) as clerks type them at the till."""

from flask import request

from loyalty.kernel.errors import InvalidInput
from loyalty.kernel.money import fen_of

TYPED_FEN_MAX = 9_999_999_99


class AmountInvalid(InvalidInput):
    """An amount is no number of yuan, or more than a till takes."""

    code = "clerk_amount_invalid"
    message = "金额须为数字，最多两位小数，例如 128.50"


def typed_fen(name: str) -> int | None:
    """Return the amount in a field of the form; None when it was left empty.

    Raises:
        AmountInvalid: it is none.
    """
    text = request.form.get(name, "").strip()
    if not text:
        return None
    try:
        fen = fen_of(text)
    except ValueError as error:
        raise AmountInvalid from error
    if fen > TYPED_FEN_MAX:
        raise AmountInvalid
    return fen
