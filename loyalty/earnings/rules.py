"""Earnings rules: what an entry records, and what it changes of an account.

An account has money that is still pending (待结算), that can be withdrawn (可提现), and that the member owes (待抵扣)
because a purchase was refunded after its commission had been paid out. Whoever owes has nothing to withdraw: what
becomes available pays the debt first.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from loyalty.kernel.errors import Conflict, InvalidInput, NotFound

AMOUNT_FEN_MAX = 100_000_000_00
"""The most that one entry may move: far above any commission, far below where sums could overflow."""


class EarningsKind(StrEnum):
    """What an entry (收益流水) records."""

    ACCRUE = "accrue"
    """Earned, and pending until the refund window is over."""
    APPROVE = "approve"
    """What was pending can be withdrawn."""
    REVERSE = "reverse"
    """冲正: an accrual is undone, wholly or in part."""
    WITHDRAW = "withdraw"
    """Paid out; net of tax."""
    WITHHOLD = "withhold"
    """Tax withheld of a payout; the other part of the same withdrawal."""
    RETURN = "return"
    """A payout came back, tax included."""
    TRANSFER = "transfer"
    """One half of moving a merged member's money to the survivor."""
    FORFEIT = "forfeit"
    """Given up with the membership, as the terms announce."""


class InvalidEarningsAmount(InvalidInput):
    """The amount is not a whole number of fen above zero, or is absurdly large."""

    code = "invalid_earnings_amount"
    message = "金额不正确"


class InsufficientEarnings(Conflict):
    """Less can be withdrawn than was asked for."""

    code = "insufficient_earnings"
    message = "可提现金额不足"


class AccrualNotFound(NotFound):
    """Nothing was accrued under this reference."""

    code = "accrual_not_found"
    message = "没有找到该笔收益"


class AccrualExceeded(Conflict):
    """More would be approved or reversed of an accrual than is left of it."""

    code = "accrual_exceeded"
    message = "金额超过了该笔收益的剩余部分"


@dataclass(frozen=True, slots=True)
class Balance:
    """What an account holds, in fen."""

    pending_fen: int = 0
    available_fen: int = 0
    owed_fen: int = 0

    @property
    def net_fen(self) -> int:
        """What the brand owes the member in all."""
        return self.pending_fen + self.available_fen - self.owed_fen


def check_amount(amount_fen: int) -> None:
    """Refuse what cannot be an amount.

    Raises:
        InvalidEarningsAmount: it is below one or absurdly large.
    """
    if not 0 < amount_fen <= AMOUNT_FEN_MAX:
        raise InvalidEarningsAmount(amount_fen=amount_fen)


def accrued(balance: Balance, amount_fen: int) -> Balance:
    """Return the balance once money is earned, and pending."""
    return replace(balance, pending_fen=balance.pending_fen + amount_fen)


def approved(balance: Balance, amount_fen: int) -> Balance:
    """Return the balance once pending money can be withdrawn.

    Raises:
        AccrualExceeded: less is pending, since it was given up with the membership.
    """
    return given(_less_pending(balance, amount_fen), amount_fen)


def given(balance: Balance, amount_fen: int) -> Balance:
    """Return the balance with more money to withdraw; what the member owes is paid first."""
    return _settled(balance, balance.available_fen - balance.owed_fen + amount_fen)


def reversed_(balance: Balance, amount_fen: int, *, is_pending: bool) -> Balance:
    """Return the balance once an accrual is undone: of what is pending, or else of what was approved.

    What the member no longer has is owed.

    Raises:
        AccrualExceeded: less is pending, since it was given up with the membership.
    """
    if is_pending:
        return _less_pending(balance, amount_fen)
    return _settled(balance, balance.available_fen - balance.owed_fen - amount_fen)


def taken(balance: Balance, amount_fen: int) -> Balance:
    """Return the balance once money is paid out.

    Raises:
        InsufficientEarnings: less can be withdrawn.
    """
    if balance.available_fen < amount_fen:
        raise InsufficientEarnings(available_fen=balance.available_fen)
    return replace(balance, available_fen=balance.available_fen - amount_fen)


def joined(balance: Balance, other: Balance) -> Balance:
    """Return what two accounts hold together; what one of them owes is paid from what the other has."""
    together = replace(balance, pending_fen=balance.pending_fen + other.pending_fen)
    return _settled(together, balance.available_fen - balance.owed_fen + other.available_fen - other.owed_fen)


def _less_pending(balance: Balance, amount_fen: int) -> Balance:
    if balance.pending_fen < amount_fen:
        raise AccrualExceeded(pending_fen=balance.pending_fen)
    return replace(balance, pending_fen=balance.pending_fen - amount_fen)


def _settled(balance: Balance, payable_fen: int) -> Balance:
    return replace(balance, available_fen=max(0, payable_fen), owed_fen=max(0, -payable_fen))
