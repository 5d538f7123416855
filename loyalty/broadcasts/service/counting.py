"""Frequency caps (营销频次): one guarded row for each member, exact whoever counts at the same time."""

from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy import BigInteger, Date, bindparam, case, cast, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.broadcasts.models import MarketingCount
from loyalty.broadcasts.queries.caps import is_full
from loyalty.broadcasts.rules.policy import PushPolicy, week_on
from loyalty.kernel.arrays import SentArray

_ROW = MarketingCount
_GIVEN = (
    func.unnest(
        bindparam("member_ids", type_=SentArray(BigInteger())), bindparam("counted_days", type_=SentArray(Date()))
    )
    .table_valued("member_id", "day_on", name="given")
    .render_derived()
)


def count(session: Session, *, member_ids: Sequence[int], policy: PushPolicy, today: date) -> set[int]:
    """Count one marketing message for each member who may still get one today and this week; return those."""
    if not member_ids or not policy.messages_a_day or not policy.messages_a_week:
        return set()
    ids = cast(sorted(member_ids), SentArray(BigInteger()))
    wanted = func.unnest(ids).table_valued("id", name="wanted").render_derived()
    week = week_on(today)
    is_today, is_this_week = _ROW.day_on == today, _ROW.week_on == week
    one = cast(1, BigInteger)
    rows = select(wanted.c.id, cast(today, Date), one, cast(week, Date), one).order_by(wanted.c.id)
    counted = session.scalars(
        insert(_ROW)
        .from_select(["member_id", "day_on", "day_count", "week_on", "week_count"], rows)
        .on_conflict_do_update(
            index_elements=["member_id"],
            set_={
                "day_on": today,
                "day_count": case((is_today, _ROW.day_count + 1), else_=1),
                "week_on": week,
                "week_count": case((is_this_week, _ROW.week_count + 1), else_=1),
            },
            where=~is_full(policy, today=today),
        )
        .returning(_ROW.member_id)
    )
    return set(counted)


def uncount(session: Session, *, counted: Mapping[int, date]) -> None:
    """Take back what was counted on a day for members to whom nothing went after all."""
    if not counted:
        return
    order = sorted(counted)
    session.execute(
        select(_ROW.member_id).where(_ROW.member_id.in_(order)).order_by(_ROW.member_id).with_for_update(key_share=True)
    )
    same_week = _ROW.week_on == cast(func.date_trunc("week", _GIVEN.c.day_on), Date)
    session.execute(
        update(_ROW)
        .where(_ROW.member_id == _GIVEN.c.member_id)
        .values(
            day_count=case((_ROW.day_on == _GIVEN.c.day_on, _ROW.day_count - 1), else_=_ROW.day_count),
            week_count=case((same_week, _ROW.week_count - 1), else_=_ROW.week_count),
        )
        .execution_options(synchronize_session=False),
        {"member_ids": order, "counted_days": [counted[member_id] for member_id in order]},
    )
