"""What sources of facts are made of: what is asked when, and who is found."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, SQLColumnExpression, and_, exists, false, select, union_all
from sqlalchemy.orm import aliased

from loyalty.kernel.clock import business_date, start_of
from loyalty.kernel.crypto import Vault
from loyalty.members.models import Member


@dataclass(frozen=True, slots=True)
class IdSpan:
    """A range of member ids: those after one, up to and including another."""

    after_id: int
    until_id: int

    def covers(self, member_id: ColumnElement[int]) -> ColumnElement[bool]:
        """Tell of a column whether it lies in the range."""
        return and_(member_id > self.after_id, member_id <= self.until_id)


@dataclass(frozen=True, slots=True)
class Asked:
    """The instant for which a condition is reckoned, and what that takes."""

    at: datetime
    zone: ZoneInfo
    vault: Vault

    @property
    def today(self) -> date:
        """The business date of the instant."""
        return business_date(self.at, self.zone)

    def days_ago(self, days: int) -> date:
        """Return the business date so many days ago."""
        return self.today - timedelta(days=days)

    def first_of(self, within_days: int) -> date:
        """Return the first of the last days, today included."""
        return self.days_ago(within_days - 1)

    def start_of(self, day: date) -> datetime:
        """Return the first instant of a business date."""
        return start_of(day, self.zone)

    def end_of(self, day: date) -> datetime:
        """Return the first instant after a business date."""
        return start_of(day + timedelta(days=1), self.zone)


@dataclass(frozen=True, slots=True)
class Who:
    """The ids of members, perhaps several times each, of whom a fact is true; or, turned round, of whom it is not."""

    ids: Select[Any]
    """The first column is the member's id."""
    is_absent: bool = False

    def turned(self) -> "Who":
        """Return everybody else."""
        return replace(self, is_absent=not self.is_absent)

    def within(self, span: IdSpan) -> "Who":
        """Return the same of a range of ids, which every part is narrowed to."""
        return replace(self, ids=self.ids.where(span.covers(next(iter(self.ids.selected_columns)))))


Source = Who | ColumnElement[bool]
"""Who is found by a statement of its own, or what is true of the member's own row."""


def in_range(
    ids: SQLColumnExpression[int], value: SQLColumnExpression[Any], least: int | None, most: int | None
) -> Who:
    """Return who has a figure within bounds, where whoever has no row has 0 and nobody less.

    A range that begins at 0 is asked the other way round: who has more.
    """
    if least:
        within = value >= least if most is None else value.between(least, most)
        return Who(select(ids.label("member_id")).where(within))
    more = false() if most is None else value > most
    return Who(select(ids.label("member_id")).where(more), is_absent=True)


def with_survivors(ids: Select[Any]) -> Select[Any]:
    """Return the same members, and the survivors of those of them that were merged.

    For rows that stay with the merged member. Merged members are few and found by their index.
    """
    direct, again = ids.subquery(), ids.subquery()
    merged = aliased(Member)
    of_merged = select(merged.merged_into_id).where(
        merged.merged_into_id.is_not(None), exists().where(again.c[0] == merged.id)
    )
    both = union_all(select(direct.c[0].label("member_id")), of_merged).subquery()
    return select(both.c.member_id)
