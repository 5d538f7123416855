"""The ladder of tiers as a form and back: a row for each step, empty rows left out."""

from collections.abc import Sequence
from dataclasses import dataclass

from loyalty.earning.rules.words import times
from loyalty.tiers.rules import ONE_TIME, Benefits, Period, Policy, Tier
from portal.console import figures, forms
from portal.context import container

ROWS_TO_ADD = 3


@dataclass(frozen=True, slots=True)
class TierRow:
    """One row of the form, as somebody filled it in."""

    name: str = ""
    threshold: str = ""
    multiplier: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether nothing was filled in here."""
        return not (self.name or self.threshold)


def rows_of(tiers: Sequence[Tier]) -> list[TierRow]:
    """Return the rows for a ladder, some free ones included."""
    rows = [TierRow(tier.name, str(tier.growth_threshold), times(tier.benefits.points_multiplier)) for tier in tiers]
    return rows + [TierRow()] * ROWS_TO_ADD


def typed_rows() -> list[TierRow]:
    """Return the rows as somebody filled them in."""
    columns = [forms.texts(name) for name in ("name", "threshold", "multiplier")]
    return [TierRow(*row) for row in zip(*columns, strict=False)]


def tiers_of(rows: Sequence[TierRow]) -> list[Tier]:
    """Return the ladder that the rows stand for, numbered from the lowest.

    Raises:
        InvalidField: a threshold or a multiplier is no number.
    """
    filled = [row for row in rows if not row.is_empty]
    return [
        Tier(
            level,
            row.name,
            forms.parsed_integer("threshold", row.threshold),
            Benefits(points_multiplier=_multiplier(row.multiplier)),
        )
        for level, row in enumerate(filled, start=1)
    ]


def policy_of_form() -> Policy:
    """Return the policy that the form stands for, in the programme's time zone.

    Raises:
        InvalidField: a field holds something else than it may.
    """
    return Policy(
        period=forms.parsed_choice("period", forms.text("period"), Period),
        months=forms.integer("months"),
        grace_days=forms.integer("grace_days"),
        time_zone=container().zone.key,
    )


def _multiplier(text: str) -> int:
    try:
        return figures.times(text) if text else ONE_TIME
    except ValueError as error:
        raise forms.InvalidField(field="multiplier") from error
