"""Signals (风险信号): numbers that rules compare. Some are counted here, others are facts that the caller brings."""

from collections.abc import Mapping
from enum import StrEnum

from loyalty.gateways.answers import RiskRank


class Signal(StrEnum):
    """What is counted from sightings, around each one of the person's own, so that who comes first counts too."""

    MEMBERS_PER_DEVICE = "members_per_device"
    ENROLMENTS_PER_IP = "enrolments_per_ip"
    ACTS_PER_DEVICE = "acts_per_device"
    """Of the same occasion, by whomever."""
    ACTS_PER_IP = "acts_per_ip"
    ACTS_PER_MEMBER = "acts_per_member"


class Fact(StrEnum):
    """What only the caller can know; 0 or 1 where it is a yes or no."""

    SAME_PERSON_DEVICE = "same_person_device"
    """The device is also that of the other side."""
    SAME_IP_MEMBERS = "same_ip_members"
    """How many whom the same member invited came from the same address."""
    INVITATIONS_TODAY = "invitations_today"
    SECONDS_SINCE_ENROLMENT = "seconds_since_enrolment"
    """How old the membership of who gains was."""
    WECHAT_RANK = "wechat_rank"
    """WeChat's opinion: 0 low, 1 unknown, 2 medium, 3 high. Brought with the subject or by an earlier sighting."""


RANKS: Mapping[RiskRank, int] = {RiskRank.LOW: 0, RiskRank.UNKNOWN: 1, RiskRank.MEDIUM: 2, RiskRank.HIGH: 3}

WORDS: Mapping[Signal | Fact, str] = {
    Signal.MEMBERS_PER_DEVICE: "同一设备上的会员数",
    Signal.ENROLMENTS_PER_IP: "同一网络地址的入会人数",
    Signal.ACTS_PER_DEVICE: "同一设备的操作次数",
    Signal.ACTS_PER_IP: "同一网络地址的操作次数",
    Signal.ACTS_PER_MEMBER: "该会员的操作次数",
    Fact.SAME_PERSON_DEVICE: "与对方使用同一设备",
    Fact.SAME_IP_MEMBERS: "同一邀请人在同一网络地址邀请的人数",
    Fact.INVITATIONS_TODAY: "邀请人当日邀请人数",
    Fact.SECONDS_SINCE_ENROLMENT: "入会后经过的秒数",
    Fact.WECHAT_RANK: "微信风险等级",
}


def named(name: str) -> Signal | Fact:
    """Return the signal or the fact of a name.

    Raises:
        ValueError: there is none.
    """
    return Signal(name) if name in list(Signal) else Fact(name)
