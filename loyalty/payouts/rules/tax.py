"""Tax withheld of payouts (代扣个人所得税), by rates that are dated configuration, never code.

A rate table says over which period income adds up, what is deducted, and its brackets. Tax is that on the period's
income so far, this payout included, less what was withheld in it before: per payment, that is the payment alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from loyalty.payouts.rules.errors import InvalidPayoutSettings

PERCENT_MAX = 100
BRACKETS_MAX = 20
_FEN_MAX = 10**12


class IncomeKind(StrEnum):
    """Kinds of income in the words of the tax law."""

    LABOUR = "labour"
    """劳务报酬所得: commission to individuals."""
    OCCASIONAL = "occasional"
    """偶然所得: prizes."""


class TaxPeriod(StrEnum):
    """Over what income adds up before the brackets are read."""

    PAYMENT = "payment"
    MONTH = "month"
    YEAR = "year"
    """The cumulative method (累计预扣法)."""


@dataclass(frozen=True, slots=True)
class Bracket:
    """A rate up to an amount; the last one has no end."""

    up_to_fen: int | None
    rate_percent: int
    quick_fen: int = 0
    """速算扣除数."""


@dataclass(frozen=True, slots=True)
class TaxTable:
    """How tax is reckoned for one kind of income."""

    period: TaxPeriod
    brackets: Sequence[Bracket]
    small_up_to_fen: int = 0
    """Income up to this has a fixed deduction, beyond it one in percent."""
    small_deduction_fen: int = 0
    deduction_percent: int = 0
    monthly_allowance_fen: int = 0
    """Deducted for every month of the year since the first payout in it (累计减除费用)."""

    def to_json(self) -> dict[str, Any]:
        """Return the table as it is stored."""
        return {
            "period": self.period.value,
            "brackets": [[one.up_to_fen, one.rate_percent, one.quick_fen] for one in self.brackets],
            "small_up_to_fen": self.small_up_to_fen,
            "small_deduction_fen": self.small_deduction_fen,
            "deduction_percent": self.deduction_percent,
            "monthly_allowance_fen": self.monthly_allowance_fen,
        }


@dataclass(frozen=True, slots=True)
class IncomeSoFar:
    """What a person was paid in a period before."""

    gross_fen: int = 0
    tax_fen: int = 0
    months: int = 1
    """Months of the year from the first payout in it to this one, both included."""


def table_of(data: Mapping[str, Any]) -> TaxTable:
    """Read a table as it is stored or sent.

    Raises:
        InvalidPayoutSettings: it could not be reckoned.
    """
    try:
        brackets = tuple(Bracket(up_to, rate, quick) for up_to, rate, quick in data["brackets"])
        rest = {name: value for name, value in data.items() if name not in ("period", "brackets")}
        table = TaxTable(TaxPeriod(data["period"]), brackets, **rest)
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidPayoutSettings(field="table") from error
    check_table(table)
    return table


def check_table(table: TaxTable) -> None:
    """Refuse a table that could not be reckoned for every income.

    Raises:
        InvalidPayoutSettings: a figure is out of range, or the brackets do not follow one another.
    """
    amounts = (table.small_up_to_fen, table.small_deduction_fen, table.monthly_allowance_fen)
    rates = (table.deduction_percent, *(one.rate_percent for one in table.brackets))
    if not all(_is_between(amount, _FEN_MAX) for amount in (*amounts, *(one.quick_fen for one in table.brackets))):
        raise InvalidPayoutSettings(field="amounts")
    if not all(_is_between(rate, PERCENT_MAX) for rate in rates):
        raise InvalidPayoutSettings(field="percent")
    ends = [one.up_to_fen for one in table.brackets]
    bounded = [end for end in ends[:-1] if end is not None and _is_between(end, _FEN_MAX)]
    if not 0 < len(ends) <= BRACKETS_MAX or ends[-1] is not None or len(bounded) != len(ends) - 1:
        raise InvalidPayoutSettings(field="brackets")
    if any(later <= earlier for earlier, later in zip([0, *bounded], bounded, strict=False)):
        raise InvalidPayoutSettings(field="brackets")


def tax_of(table: TaxTable, *, gross_fen: int, before: IncomeSoFar) -> int:
    """Return the tax to withhold of a payout, in fen, rounded half up; never more than the payout.

    With a per-payment table what was paid before does not count.
    """
    if table.period is TaxPeriod.PAYMENT:
        before = IncomeSoFar()
    due = _tax_on(table, before.gross_fen + gross_fen, before.months)
    return min(max(0, due - before.tax_fen), gross_fen)


def _tax_on(table: TaxTable, income_fen: int, months: int) -> int:
    deduction = (
        table.small_deduction_fen
        if income_fen <= table.small_up_to_fen
        else _percent(income_fen, table.deduction_percent)
    )
    taxable = income_fen - deduction - table.monthly_allowance_fen * months
    if taxable <= 0:
        return 0
    bracket = next(one for one in table.brackets if one.up_to_fen is None or taxable <= one.up_to_fen)
    return max(0, _percent(taxable, bracket.rate_percent) - bracket.quick_fen)


def _percent(amount_fen: int, percent: int) -> int:
    return (amount_fen * percent + 50) // 100


def _is_between(value: object, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most
