"""What is true of a person, reckoned in Python from what the person was made of, without any of what is tested."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

from loyalty.members.rules.members import MemberStatus
from loyalty.segments.rules import fact_types as types
from loyalty.segments.rules.conditions import All, AnyOf, Condition, Not
from tests.factories.segments import Bought, Person


def found(people: list[Person], condition: Condition, *, today: date) -> set[int]:
    """The ids of those whom a condition finds."""
    return {one.member_id for one in people if _is_living(one) and holds(one, condition, today)}


def holds(person: Person, condition: Condition, today: date) -> bool:
    match condition:
        case All(parts):
            return all(holds(person, part, today) for part in parts)
        case AnyOf(parts):
            return any(holds(person, part, today) for part in parts)
        case Not(part):
            return not holds(person, part, today)
    return _TRUTHS[type(condition)](person, condition, today)


def _is_living(person: Person) -> bool:
    return person.status in (MemberStatus.ACTIVE, MemberStatus.CLOSING)


def _within(value: int, least: int | None, most: int | None) -> bool:
    return (least is None or value >= least) and (most is None or value <= most)


def _level(person: Person) -> int:
    return 1 if person.level is None else max(person.level, person.manual_level or 1)


def _available(person: Person) -> int:
    return sum(lot.points for lot in person.lots if lot.available_in <= 0 and (lot.last_in is None or lot.last_in >= 0))


def _expiring(person: Person, within_days: int) -> int:
    return sum(
        lot.points
        for lot in person.lots
        if lot.available_in <= 0 and lot.last_in is not None and 0 <= lot.last_in <= within_days
    )


def _purchases(person: Person, within_days: int | None) -> list[Bought]:
    lately = [one for one in person.bought if within_days is None or one.days_ago < within_days]
    return [one for one in lately if one.left()]


def _fen(bought: list[Bought]) -> int:
    return sum(fen for one in bought for _, _, fen in one.left())


def _goods(person: Person, fact: types.BoughtGoods) -> bool:
    times, fen = 0, 0
    for one in _purchases(person, fact.within_days):
        wanted = [line for line in one.left() if line[0] in fact.categories or f"sku-{line[0]}" in fact.skus]
        times += bool(wanted)
        fen += sum(line[2] for line in wanted)
    return times >= fact.times_least and (fact.fen_least is None or fen >= fact.fen_least)


def _has_birthday_within(person: Person, days: int, today: date) -> bool:
    for ahead in range(days + 1):
        day = today + timedelta(days=ahead)
        is_moved = person.birthday == (2, 29) and (day + timedelta(days=1)).month == 3 and day.month == 2
        if person.birthday == (day.month, day.day) or is_moved:
            return True
    return False


def _streak(person: Person) -> int:
    return person.streaks.get(0, person.streaks.get(1, 0))


def _tags(person: Person, fact: types.Tags) -> bool:
    return {
        types.Match.ANY: bool(person.tags & fact.tag_ids),
        types.Match.ALL: fact.tag_ids <= person.tags,
        types.Match.NONE: not person.tags & fact.tag_ids,
    }[fact.match]


def _recency(person: Person, fact: types.Recency) -> bool:
    bought = _purchases(person, None)
    return bool(bought) and _within(min(one.days_ago for one in bought), fact.days_least, fact.days_most)


_TRUTHS: Mapping[type[Any], Callable[[Person, Any, date], bool]] = {
    types.Enrolled: lambda one, fact, _: _within(one.enrolled_ago, fact.days_least, fact.days_most),
    types.EnrolledStore: lambda one, fact, _: one.store_id in fact.store_ids,
    types.Birthday: lambda one, fact, today: _has_birthday_within(one, fact.within_days, today),
    types.BirthdayMonth: lambda one, fact, _: one.birthday is not None and one.birthday[0] in fact.months,
    types.HasBirthday: lambda one, fact, _: (one.birthday is not None) == fact.is_given,
    types.Activity: lambda one, fact, _: _within(one.active_ago, fact.days_least, fact.days_most),
    types.Tier: lambda one, fact, _: _level(one) in fact.levels,
    types.Growth: lambda one, fact, _: _within(0 if one.level is None else one.growth, fact.least, fact.most),
    types.Balance: lambda one, fact, _: _within(_available(one), fact.least, fact.most),
    types.ExpiringPoints: lambda one, fact, _: _expiring(one, fact.within_days) >= fact.least,
    types.CheckInStreak: lambda one, fact, _: _within(_streak(one), fact.least, fact.most),
    types.Recency: lambda one, fact, _: _recency(one, fact),
    types.NeverBought: lambda one, fact, _: bool(_purchases(one, None)) != fact.is_never,
    types.Frequency: lambda one, fact, _: _within(len(_purchases(one, fact.within_days)), fact.least, fact.most),
    types.Money: lambda one, fact, _: _within(_fen(_purchases(one, fact.within_days)), fact.least_fen, fact.most_fen),
    types.BoughtAt: lambda one, fact, _: any(
        each.store_id in fact.store_ids for each in _purchases(one, fact.within_days)
    ),
    types.BoughtThrough: lambda one, fact, _: any(
        each.channel in fact.channels for each in _purchases(one, fact.within_days)
    ),
    types.BoughtGoods: lambda one, fact, _: _goods(one, fact),
    types.BoundThrough: lambda one, fact, _: bool(one.kinds & set(fact.kinds)),
    types.Following: lambda one, fact, _: "oa" in one.kinds and one.is_following,
    types.Tags: lambda one, fact, _: _tags(one, fact),
}
