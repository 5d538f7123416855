"""Templates: missions to start a form from, one for each kind that marketers run most."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from loyalty.missions.rules.terms import CardsReward, Measure, MissionEvent, Period, PointsReward, Step, Terms


@dataclass(frozen=True, slots=True)
class Template:
    """One kind of mission: what it is called, what it is for, and where its form starts."""

    name: str
    hint: str
    start: Callable[[], Terms]


def newcomer() -> Terms:
    """Begin with 100 points for a bound phone."""
    return Terms(title="绑定手机号", event=MissionEvent.PHONE_BOUND, steps=(Step(1, PointsReward(100)),))


def profile() -> Terms:
    """Begin with 50 points for a completed profile."""
    return Terms(title="完善资料", event=MissionEvent.PROFILE_COMPLETED, steps=(Step(1, PointsReward(50)),))


def weekly_check_ins() -> Terms:
    """Begin with a make-up card for five days of check-ins in a week."""
    return Terms(
        title="本周签到 5 天",
        event=MissionEvent.CHECK_IN,
        measure=Measure.DAYS,
        period=Period.WEEKLY,
        steps=(Step(3, PointsReward(10)), Step(5, CardsReward(1))),
    )


def monthly_purchases() -> Terms:
    """Begin with steps over the money spent."""
    return Terms(
        title="累计消费有礼",
        event=MissionEvent.PURCHASE,
        measure=Measure.AMOUNT,
        steps=(Step(200_00, PointsReward(50)), Step(500_00, PointsReward(200))),
        is_claimed_by_hand=True,
    )


def reviews() -> Terms:
    """Begin with 5 points for a review a day."""
    return Terms(title="每日评价", event=MissionEvent.REVIEW, period=Period.DAILY, steps=(Step(1, PointsReward(5)),))


def friends() -> Terms:
    """Begin with steps over friends who enrolled."""
    return Terms(
        title="邀请好友入会",
        event=MissionEvent.INVITED_FRIEND,
        steps=(Step(1, PointsReward(50)), Step(3, PointsReward(200))),
    )


def custom() -> Terms:
    """Begin with 10 points for what a connected system reports."""
    return Terms(
        title="参加线下活动",
        event=MissionEvent.CUSTOM,
        custom_kind="event_attended",
        steps=(Step(1, PointsReward(10)),),
    )


TEMPLATES: Mapping[str, Template] = {
    "newcomer": Template("绑定手机号", "新会员绑定手机号得积分，每人一次", newcomer),
    "profile": Template("完善资料", "填好昵称和生日得积分，每人一次", profile),
    "weekly_check_ins": Template("每周签到", "一周内签到若干天，得积分或补签卡", weekly_check_ins),
    "monthly_purchases": Template("累计消费", "消费满一定金额分档得奖励，退款会扣回", monthly_purchases),
    "reviews": Template("每日评价", "评价订单得积分，每天一次", reviews),
    "friends": Template("邀请好友", "好友入会（或消费）后计入，不奖励分享本身", friends),
    "custom": Template("自定义事件", "接入系统上报的其他事件", custom),
}
