"""Who members are, by their own rows: enrolment, birthday, activity. Birthdays are sealed and found by blind index."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, and_, true

from loyalty.kernel.crypto import Vault
from loyalty.members.models import Member
from loyalty.members.rules.profile import birthday_mark, days_celebrated, days_of_month
from loyalty.segments.rules import fact_types as types
from loyalty.segments.sources.parts import Asked
from loyalty.stores.queries import subtree


def enrolled(fact: types.Enrolled, asked: Asked) -> ColumnElement[bool]:
    """Whose enrolment lies between dates, or so many days back."""
    first_on = max((day for day in (fact.first_on, _ago(asked, fact.days_most)) if day is not None), default=None)
    last_on = min((day for day in (fact.last_on, _ago(asked, fact.days_least)) if day is not None), default=None)
    return _between(Member.enrolled_at.expression, asked, first_on, last_on)


def enrolled_store(fact: types.EnrolledStore, _asked: Asked) -> ColumnElement[bool]:
    """Who enrolled at one of these stores, or below one of these regions."""
    # "Is true" keeps it a question put to each row; as a join it would sort all members by store.
    return Member.enrolled_store_id.in_(subtree(fact.store_ids)).is_(true())


def birthday(fact: types.Birthday, asked: Asked) -> ColumnElement[bool]:
    """Whose birthday is celebrated today or within the next days."""
    days = (asked.today + timedelta(days=ahead) for ahead in range(min(fact.within_days, 366) + 1))
    return _is_marked((mark for day in days for mark in days_celebrated(day)), asked.vault)


def birthday_month(fact: types.BirthdayMonth, asked: Asked) -> ColumnElement[bool]:
    """Whose birthday is in one of these months."""
    return _is_marked((mark for month in fact.months for mark in days_of_month(month)), asked.vault)


def has_birthday(fact: types.HasBirthday, _asked: Asked) -> ColumnElement[bool]:
    """Who told a birthday, or did not."""
    sealed = Member.birthday_sealed
    return sealed.is_not(None) if fact.is_given else sealed.is_(None)


def activity(fact: types.Activity, asked: Asked) -> ColumnElement[bool]:
    """Whose last activity lies so many days back."""
    first_on, last_on = _ago(asked, fact.days_most), _ago(asked, fact.days_least)
    return _between(Member.last_active_at.expression, asked, first_on, last_on)


def _ago(asked: Asked, days: int | None) -> date | None:
    return None if days is None else asked.days_ago(days)


def _between(
    column: ColumnElement[datetime], asked: Asked, first_on: date | None, last_on: date | None
) -> ColumnElement[bool]:
    bounds = []
    if first_on is not None:
        bounds.append(column >= asked.start_of(first_on))
    if last_on is not None:
        bounds.append(column < asked.end_of(last_on))
    return and_(true(), *bounds)


def _is_marked(marks: Iterable[tuple[int, int]], vault: Vault) -> ColumnElement[bool]:
    return Member.birthday_index.in_([birthday_mark(vault, *mark) for mark in sorted(set(marks))])
