"""Reasons (理由) that people give for what they decide about risk."""

from loyalty.kernel.checking import is_tidy
from loyalty.kernel.errors import InvalidInput

REASON_LENGTH_MAX = 200


class InvalidRiskReason(InvalidInput):
    """Nothing, or too much, says why."""

    code = "invalid_risk_reason"
    message = "请填写 200 字以内的理由"


def check_reason(reason: str) -> None:
    """Refuse what says nothing of why.

    Raises:
        InvalidRiskReason: the reason is empty or too long.
    """
    if not is_tidy(reason, REASON_LENGTH_MAX):
        raise InvalidRiskReason
