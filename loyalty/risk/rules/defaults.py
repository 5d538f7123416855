"""The rules of a programme for which nobody saved others (默认风控规则).

One person with a second phone, devices with many members, bursts from one address and clicks by machines are caught;
families behind one address are not. Who is only suspicious is held for somebody to look at, not refused.
"""

from loyalty.risk.rules.deciding import Bound, Condition, Rule
from loyalty.risk.rules.signals import Fact, Signal
from loyalty.risk.rules.subjects import Occasion, Verdict

_GAINS = frozenset({Occasion.REFERRAL, Occasion.MISSION, Occasion.WITHDRAWAL})
_REFERRAL = frozenset({Occasion.REFERRAL})
_OPENING = frozenset({Occasion.OPENING})
_MONTH = 30 * 24

DEFAULT_RULES = (
    Rule(
        "same_device",
        "与邀请人使用同一设备",
        _REFERRAL | _OPENING,
        (Condition(Fact.SAME_PERSON_DEVICE, 1),),
        Verdict.DENY,
    ),
    Rule(
        "device_farm",
        "一台设备上会员过多",
        _GAINS,
        (Condition(Signal.MEMBERS_PER_DEVICE, 3, within_hours=_MONTH),),
        Verdict.DENY,
    ),
    Rule(
        "shared_device",
        "与其他会员使用同一设备",
        _REFERRAL,
        (Condition(Signal.MEMBERS_PER_DEVICE, 2, within_hours=_MONTH),),
        Verdict.REVIEW,
    ),
    Rule(
        "address_flood",
        "同一网络地址大量入会",
        _REFERRAL,
        (Condition(Signal.ENROLMENTS_PER_IP, 15, within_hours=1),),
        Verdict.DENY,
    ),
    Rule(
        "address_burst",
        "同一网络地址集中入会",
        _REFERRAL,
        (Condition(Signal.ENROLMENTS_PER_IP, 6, within_hours=1),),
        Verdict.REVIEW,
    ),
    Rule(
        "address_of_friends",
        "邀请的好友集中在同一网络地址",
        _REFERRAL,
        (Condition(Fact.SAME_IP_MEMBERS, 5),),
        Verdict.REVIEW,
    ),
    Rule(
        "invitation_rush",
        "一天内邀请人数过多",
        _REFERRAL,
        (Condition(Fact.INVITATIONS_TODAY, 30),),
        Verdict.REVIEW,
    ),
    Rule(
        "instant_invitation",
        "刚入会就邀请到好友",
        _REFERRAL,
        (Condition(Fact.SECONDS_SINCE_ENROLMENT, 60, Bound.AT_MOST),),
        Verdict.REVIEW,
    ),
    Rule(
        "clicks_of_one_device",
        "同一设备反复打开",
        _OPENING,
        (Condition(Signal.ACTS_PER_DEVICE, 4, within_hours=24),),
        Verdict.DENY,
    ),
    Rule(
        "clicks_of_one_address",
        "同一网络地址反复打开",
        _OPENING,
        (Condition(Signal.ACTS_PER_IP, 20, within_hours=1),),
        Verdict.DENY,
    ),
    Rule("wechat_high", "微信判定为高风险", _GAINS, (Condition(Fact.WECHAT_RANK, 3),), Verdict.DENY),
    # Unknown is held as well: neither given blindly nor refused.
    Rule("wechat_doubtful", "微信判定有风险或未能判定", _GAINS, (Condition(Fact.WECHAT_RANK, 1),), Verdict.REVIEW),
)
