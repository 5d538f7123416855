"""Counting signals: around each sighting of a person, so that of a ring the first is as suspicious as the last."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import CTE, ColumnElement, Interval, Select, and_, cast, func, literal, or_, select
from sqlalchemy.orm import Session, aliased

from loyalty.risk.models import Sighting
from loyalty.risk.rules.deciding import Measure
from loyalty.risk.rules.signals import Fact, Signal
from loyalty.risk.rules.subjects import Occasion, Subject

_Other = aliased(Sighting, name="other")
_PERSON = func.coalesce(_Other.member_id, -_Other.identity_id)
"""A visitor is told from a member of the same number by the sign."""


def count(session: Session, *, subject: Subject, occasion: Occasion, measures: Sequence[Measure]) -> dict[Measure, int]:
    """Return what is known of these signals; of one who was never seen anywhere, every count is zero."""
    counted = [(measured, hours) for measured, hours in measures if isinstance(measured, Signal) and hours]
    known: dict[Measure, int] = {}
    if counted:
        mine = _mine(subject)
        row = session.execute(select(*(_counted(mine, occasion, *one) for one in counted))).one()
        known.update(zip(counted, map(int, row), strict=True))
    rank = _rank_of(session, subject)
    if rank is not None:
        known[Fact.WECHAT_RANK, None] = rank
    return known


def is_of(subject: Subject) -> ColumnElement[bool]:
    """Return the condition under which a sighting is of a subject, also one not yet known to be of the member."""
    as_visitor = and_(Sighting.identity_id == subject.identity_id, Sighting.member_id.is_(None))
    if subject.member_id is None:
        return as_visitor
    as_member = Sighting.member_id == subject.member_id
    return as_member if subject.identity_id is None else or_(as_member, as_visitor)


def share_device(session: Session, *, subject: Subject, others: Sequence[int]) -> bool:
    """Tell whether somebody was seen on a device of one of these members."""
    return _share(session, "device_index", subject, others)


def share_phone(session: Session, *, member_id: int, others: Sequence[int]) -> bool:
    """Tell whether a member proved a phone that one of the others had before."""
    return _share(session, "phone_index", Subject(member_id), others)


def beside_on_address(session: Session, *, member_id: int, others: Sequence[int], within: timedelta) -> int:
    """Return how many of the others enrolled from the address from which a member enrolled, about the same time."""
    mine = aliased(Sighting, name="mine")
    return int(
        session.execute(
            select(func.count(_Other.member_id.distinct()))
            .join(mine, and_(mine.ip_index == _Other.ip_index, _near(mine.seen_at, within)))
            .where(
                mine.member_id == member_id,
                mine.occasion == Occasion.ENROLMENT,
                _Other.occasion == Occasion.ENROLMENT,
                _Other.member_id.in_(others),
                _Other.member_id != member_id,
            )
        ).scalar_one()
    )


def _share(session: Session, column: str, subject: Subject, others: Sequence[int]) -> bool:
    mine = select(Sighting).where(is_of(subject)).subquery("mine")
    shared = (
        select(_Other.id)
        .join(mine, mine.c[column] == getattr(_Other, column))
        .where(_Other.member_id.in_(others), _Other.member_id.is_distinct_from(mine.c.member_id))
    )
    return bool(session.scalar(select(shared.exists())))


def _mine(subject: Subject) -> CTE:
    return select(Sighting).where(is_of(subject)).cte("mine")


def _counted(mine: CTE, occasion: Occasion, measured: Signal, hours: int) -> Any:
    within = timedelta(hours=hours)
    per_sighting = _PER_SIGHTING[measured](mine, occasion, within).group_by(mine.c.id).subquery()
    return select(func.coalesce(func.max(per_sighting.c.counted), 0)).scalar_subquery()


def _members_per_device(mine: CTE, _occasion: Occasion, within: timedelta) -> Select[Any]:
    return (
        select(func.count(_Other.member_id.distinct()).label("counted"))
        .select_from(mine)
        .join(_Other, and_(_Other.device_index == mine.c.device_index, _near(mine.c.seen_at, within)))
    )


def _enrolments_per_ip(mine: CTE, _occasion: Occasion, within: timedelta) -> Select[Any]:
    return (
        select(func.count(_PERSON.distinct()).label("counted"))
        .select_from(mine)
        .join(_Other, and_(_Other.ip_index == mine.c.ip_index, _near(mine.c.seen_at, within)))
        .where(mine.c.occasion == Occasion.ENROLMENT, _Other.occasion == Occasion.ENROLMENT)
    )


def _acts(column: str) -> Any:
    def acts(mine: CTE, occasion: Occasion, within: timedelta) -> Select[Any]:
        same = getattr(_Other, column) == mine.c[column]
        return (
            select(func.count(_Other.id).label("counted"))
            .select_from(mine)
            .join(_Other, and_(same, _near(mine.c.seen_at, within)))
            .where(_Other.occasion == occasion, mine.c.occasion == occasion)
        )

    return acts


def _near(seen_at: Any, within: timedelta) -> ColumnElement[bool]:
    span = cast(literal(within), Interval)
    return and_(_Other.seen_at >= seen_at - span, _Other.seen_at <= seen_at + span)


def _rank_of(session: Session, subject: Subject) -> int | None:
    query = select(Sighting.wechat_rank).where(is_of(subject), Sighting.wechat_rank.is_not(None))
    return session.scalar(query.order_by(Sighting.seen_at.desc(), Sighting.id.desc()).limit(1))


_PER_SIGHTING = {
    Signal.MEMBERS_PER_DEVICE: _members_per_device,
    Signal.ENROLMENTS_PER_IP: _enrolments_per_ip,
    Signal.ACTS_PER_DEVICE: _acts("device_index"),
    Signal.ACTS_PER_IP: _acts("ip_index"),
    Signal.ACTS_PER_MEMBER: _acts("member_id"),
}
