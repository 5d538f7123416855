"""The ladder of tiers as a form and back: a row for each step, empty rows left out."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from loyalty.tiers.rules import ONE_TIME, Benefits, Period, Policy, Tier
from portal.console import forms
from portal.context import container

ROWS_TO_ADD = 3
_MULTIPLIER = re.compile(r"(\d{1,2})(?:\.(\d{1,4}))?")


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
    rows = [TierRow(tier.name, str(tier.growth_threshold), _shown(tier.benefits.points_multiplier)) for tier in tiers]
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
    if not text:
        return ONE_TIME
    found = _MULTIPLIER.fullmatch(text)
    if found is None or not text.isascii():
        raise forms.InvalidField(field="multiplier")
    return int(found[1]) * ONE_TIME + int((found[2] or "").ljust(4, "0"))


def _shown(multiplier: int) -> str:
    whole, part = divmod(multiplier, ONE_TIME)
    decimals = f"{part:04d}".rstrip("0")
    return f"{whole}.{decimals}" if decimals else str(whole)
