"""Checking: which missions may be saved. Everything wrong is named at once, in Chinese.

What passes is then done on a sample by the very functions that count: a step that nobody could reach is refused.
"""

import re
from collections.abc import Iterator
from itertools import pairwise
from zoneinfo import ZoneInfo

from loyalty.channels.rules.inducement import check_not_induced, check_not_luring
from loyalty.kernel.checking import ID_MAX, is_tidy, numbers
from loyalty.kernel.texts import is_storable
from loyalty.kernel.wording import yuan
from loyalty.missions.rules.errors import InvalidMission, Problem
from loyalty.missions.rules.samples import furthest
from loyalty.missions.rules.terms import (
    CardsReward,
    CouponReward,
    Measure,
    MissionEvent,
    PointsReward,
    Reward,
    Terms,
)
from loyalty.missions.rules.words import LIMIT_NAMES, amount_words

TITLE_LENGTH_MAX = 30
DESCRIPTION_LENGTH_MAX = 500
STEPS_MAX = 5
TARGETS_MAX = {
    Measure.TIMES: 10_000,
    Measure.AMOUNT: 10_000_000_000,
    Measure.DAYS: 366,
    Measure.STREAK: 366,
}
POINTS_MAX = 1_000_000
CARDS_MAX = 31
AMOUNT_FEN_MAX = 10_000_000_000
TIER_LEVEL_MAX = 20
LIMIT_MAX = 1_000_000_000_000
CUSTOM_KIND = re.compile(r"[a-z][a-z0-9_.]{0,39}")


def check_terms(terms: Terms, *, zone: ZoneInfo) -> None:
    """Refuse a mission that could not be done or paid as it reads.

    Raises:
        ValueForFollowingOrSharing: it would pay for what WeChat forbids to pay for, or its texts promise it.
        InvalidMission: with everything that is wrong.
    """
    check_not_induced([terms.event, terms.custom_kind or ""])
    check_not_luring([terms.title, terms.description])
    problems = [*_texts(terms), *_kind(terms), *_steps(terms), *_conditions(terms), *_limits(terms)]
    problems = problems or list(_out_of_reach(terms, zone))
    if problems:
        raise InvalidMission(problems)


def check_same_kind(terms: Terms, published: Terms) -> None:
    """Refuse to make a published mission another one: what members have done so far would mean nothing.

    Raises:
        InvalidMission: event, measure or period differ.
    """
    for name, label in (("event", "事件"), ("custom_kind", "事件类型"), ("measure", "计量方式"), ("period", "周期")):
        if getattr(terms, name) != getattr(published, name):
            raise InvalidMission([Problem(name, f"已发布任务的{label}不能修改，请新建任务")])


def _texts(terms: Terms) -> Iterator[Problem]:
    if not is_tidy(terms.title, TITLE_LENGTH_MAX):
        yield Problem("title", f"任务名称须为 1–{TITLE_LENGTH_MAX} 个字，首尾没有空格")
    if len(terms.description) > DESCRIPTION_LENGTH_MAX or not is_storable(terms.description):
        yield Problem("description", f"任务说明最多 {DESCRIPTION_LENGTH_MAX} 个字")


def _kind(terms: Terms) -> Iterator[Problem]:
    is_custom, kind = terms.event is MissionEvent.CUSTOM, terms.custom_kind
    if is_custom != bool(kind):
        yield Problem("custom_kind", "自定义事件须填写事件类型" if is_custom else "只有自定义事件可以填写事件类型")
    elif kind in list(MissionEvent):
        yield Problem("custom_kind", "这类事件有自己的任务，不能作为自定义事件")
    elif kind and not CUSTOM_KIND.fullmatch(kind):
        yield Problem("custom_kind", "事件类型须以小写字母开头，40 个字符以内，只用小写字母、数字、_ 和 .")
    if terms.event is not MissionEvent.PURCHASE:
        if terms.measure is Measure.AMOUNT:
            yield Problem("measure", "只有消费任务可以按金额计量")
        if terms.minimum_amount_fen:
            yield Problem("minimum_amount_fen", "只有消费任务可以设置最低金额")


def _steps(terms: Terms) -> Iterator[Problem]:
    if not 1 <= len(terms.steps) <= STEPS_MAX:
        yield Problem("steps", f"奖励须为 1–{STEPS_MAX} 档")
    most = TARGETS_MAX[terms.measure]
    if not all(1 <= step.target <= most for step in terms.steps):
        yield Problem("steps", f"目标须为 {amount_words(terms.measure, 1)}–{amount_words(terms.measure, most)}")
    if any(one.target >= following.target for one, following in pairwise(terms.steps)):
        yield Problem("steps", "每一档的目标须高于上一档")
    for step in terms.steps:
        yield from _reward(step.reward)


def _reward(reward: Reward) -> Iterator[Problem]:
    match reward:
        case PointsReward(points) if not 1 <= points <= POINTS_MAX:
            yield Problem("steps", f"奖励积分须为 1–{POINTS_MAX:,}")
        case CardsReward(cards) if not 1 <= cards <= CARDS_MAX:
            yield Problem("steps", f"奖励的补签卡须为 1–{CARDS_MAX} 张")
        case CouponReward(template_id) if not 1 <= template_id <= ID_MAX:
            yield Problem("steps", "奖励的优惠券不正确")


def _conditions(terms: Terms) -> Iterator[Problem]:
    yield from numbers("tier_levels", "会员等级", terms.tier_levels, least=0, most=TIER_LEVEL_MAX)
    if not 0 <= terms.minimum_amount_fen <= AMOUNT_FEN_MAX:
        yield Problem("minimum_amount_fen", f"最低金额须为 {yuan(0)}–{yuan(AMOUNT_FEN_MAX)}")
    if terms.starts_at is not None and terms.ends_at is not None and terms.ends_at <= terms.starts_at:
        yield Problem("ends_at", "结束时间须晚于开始时间")


def _limits(terms: Terms) -> Iterator[Problem]:
    for name, label in LIMIT_NAMES.items():
        most = getattr(terms.limits, name)
        if most is not None and not 1 <= most <= LIMIT_MAX:
            yield Problem(name, f"{label}须为 1–{LIMIT_MAX:,}，不限请留空")
    budget = terms.limits.points_budget
    dearest = max((step.reward.points for step in terms.steps if isinstance(step.reward, PointsReward)), default=0)
    if budget is not None and budget < dearest:
        yield Problem("points_budget", f"{LIMIT_NAMES['points_budget']}不够发放一次奖励")
    elif budget is not None and not dearest:
        yield Problem("points_budget", "没有奖励积分，不能设置积分预算")


def _out_of_reach(terms: Terms, zone: ZoneInfo) -> Iterator[Problem]:
    best, target = furthest(terms, zone), terms.steps[-1].target
    if best < target:
        words = amount_words(terms.measure, target)
        yield Problem("steps", f"在一个周期和活动时间内最多能做到 {amount_words(terms.measure, best)}，达不到 {words}")
