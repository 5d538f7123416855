"""A mission as a form and back: what was typed is kept as it is until it stands for terms."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from loyalty.missions.rules.checking import STEPS_MAX
from loyalty.missions.rules.errors import InvalidMission
from loyalty.missions.rules.terms import (
    CardsReward,
    CouponReward,
    Limits,
    Measure,
    MissionEvent,
    Period,
    PointsReward,
    Reward,
    Step,
    Terms,
)
from loyalty.missions.rules.words import LIMIT_NAMES
from portal.console.figures import shown_money
from portal.console.form_fields import Form, FormReader, shown, shown_all, shown_moment

ROWS = range(1, STEPS_MAX + 1)
REWARD_NAMES = {"points": "积分", "coupon": "优惠券", "cards": "补签卡"}
LABELS = {
    "title": "任务名称",
    "description": "任务说明",
    "custom_kind": "事件类型",
    "measure": "计量方式",
    "period": "周期",
    "minimum_amount": "单笔最低实付",
    "tier_levels": "会员等级",
    "starts_at": "开始时间",
    "ends_at": "结束时间",
    **LIMIT_NAMES,
    **{f"target_{row}": f"第 {row} 档目标" for row in ROWS},
    **{f"reward_{row}": f"第 {row} 档奖励" for row in ROWS},
    **{f"count_{row}": f"第 {row} 档数量" for row in ROWS},
    **{f"coupon_{row}": f"第 {row} 档优惠券" for row in ROWS},
}


def form_of(terms: Terms, zone: ZoneInfo) -> dict[str, list[str]]:
    """Return terms as the form shows them."""
    form = {name: [shown(getattr(terms.limits, name))] for name in LIMIT_NAMES}
    for row, step in enumerate(terms.steps, start=1):
        form |= _shown_step(row, step, terms.measure)
    return form | {
        "title": [terms.title],
        "description": [terms.description],
        "custom_kind": [terms.custom_kind or ""],
        "measure": [terms.measure.value],
        "period": [terms.period.value],
        "minimum_amount": [shown_money(terms.minimum_amount_fen) if terms.minimum_amount_fen else ""],
        "tier_levels": shown_all(terms.tier_levels),
        "is_claimed_by_hand": ["yes"] if terms.is_claimed_by_hand else [],
        "starts_at": [shown_moment(terms.starts_at, zone)],
        "ends_at": [shown_moment(terms.ends_at, zone)],
    }


def terms_of(form: Form, event: MissionEvent, zone: ZoneInfo) -> Terms:
    """Return the terms that a form stands for; whether they make sense is not seen here.

    Raises:
        InvalidMission: with every field that cannot be read, and why.
    """
    reader = FormReader(form, LABELS)
    measure = reader.choice("measure", Measure) or Measure.TIMES
    terms = Terms(
        title=reader.text("title"),
        event=event,
        steps=tuple(_steps(reader, measure)),
        description=reader.text("description"),
        custom_kind=reader.text("custom_kind") or None,
        measure=measure,
        period=reader.choice("period", Period) or Period.ONCE,
        minimum_amount_fen=reader.money("minimum_amount") or 0,
        tier_levels=reader.numbers("tier_levels"),
        is_claimed_by_hand=reader.text("is_claimed_by_hand") == "yes",
        starts_at=reader.moment("starts_at", zone),
        ends_at=reader.moment("ends_at", zone),
        limits=Limits(**{name: reader.whole(name) for name in LIMIT_NAMES}),
    )
    if reader.problems:
        raise InvalidMission(reader.problems)
    return terms


def _steps(reader: FormReader, measure: Measure) -> Iterator[Step]:
    """Yield the rows that were filled in; one without a target is left out."""
    for row in ROWS:
        name = f"target_{row}"
        target = reader.money(name) if measure is Measure.AMOUNT else reader.whole(name)
        if target is not None:
            yield Step(target, _reward(reader, row))


def _reward(reader: FormReader, row: int) -> Reward:
    match reader.option(f"reward_{row}", REWARD_NAMES):
        case "coupon":
            return CouponReward(reader.whole(f"coupon_{row}") or 0)
        case "cards":
            return CardsReward(reader.whole(f"count_{row}") or 0)
    return PointsReward(reader.whole(f"count_{row}") or 0)


def _shown_step(row: int, step: Step, measure: Measure) -> dict[str, list[str]]:
    target = shown_money(step.target) if measure is Measure.AMOUNT else str(step.target)
    form = {f"target_{row}": [target]}
    match step.reward:
        case PointsReward(points):
            return form | {f"reward_{row}": ["points"], f"count_{row}": [str(points)]}
        case CardsReward(cards):
            return form | {f"reward_{row}": ["cards"], f"count_{row}": [str(cards)]}
        case CouponReward(template_id):
            return form | {f"reward_{row}": ["coupon"], f"coupon_{row}": [str(template_id)]}
