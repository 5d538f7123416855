"""Where a member stands, and what an evaluation (考核) makes of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from loyalty.kernel.errors import Conflict, InvalidInput

REASON_LENGTH_MAX = 200
MANUAL_AT_MOST = timedelta(days=3_660)


class TierChangeCause(StrEnum):
    """Why a level changed; the first four are of the level that growth reached, the last two of one set by hand."""

    PROMOTED = "promoted"
    DEMOTED = "demoted"
    """At the end of the grace."""
    REFUNDED = "refunded"
    """What had reached the level was given back."""
    MERGED = "merged"
    MANUAL = "manual"
    MANUAL_ENDED = "manual_ended"


CAUSE_SENTENCES = {
    TierChangeCause.PROMOTED: "成长值达到升级门槛",
    TierChangeCause.DEMOTED: "考核周期内成长值未达到保级门槛",
    TierChangeCause.REFUNDED: "退款后成长值不足",
    TierChangeCause.MERGED: "会员合并",
    TierChangeCause.MANUAL: "人工设定等级",
    TierChangeCause.MANUAL_ENDED: "人工设定的等级到期",
}


class Verdict(StrEnum):
    """What an evaluation does."""

    KEEP = "keep"
    PROMOTE = "promote"
    RETAIN = "retain"
    """The growth suffices again (保级): the grace is over."""
    BEGIN_GRACE = "begin_grace"
    DEMOTE = "demote"


class InvalidManualLevel(InvalidInput):
    """A level by hand needs a level of the ladder not below the member's own, an end to come, and a reason."""

    code = "invalid_manual_level"
    message = "人工定级设置不正确：等级不得低于会员现有等级，结束日期须晚于今天且不超过 10 年，并须填写原因"


class NoManualLevel(Conflict):
    """No level was set by hand, or its end has come."""

    code = "no_manual_level"
    message = "该会员当前没有人工设定的等级"


@dataclass(frozen=True, slots=True)
class Standing:
    """All that is known of a member's level at an instant."""

    level: int
    """Reached by growth; ``level_at`` is what counts."""
    growth: int
    """Of the period."""
    kept_by: int
    """The growth that reaches and keeps levels: that of the period, or of last calendar year when it was more."""
    reached: int
    """The level that ``kept_by`` reaches."""
    grace_until_at: datetime | None = None
    manual_level: int | None = None
    manual_until_at: datetime | None = None

    def manual_at(self, at: datetime) -> tuple[int, datetime] | None:
        """Return the level by hand (人工定级) in force at an instant and its end; None when there is none."""
        if self.manual_level is None or self.manual_until_at is None or self.manual_until_at <= at:
            return None
        return self.manual_level, self.manual_until_at

    def level_at(self, at: datetime) -> int:
        """Return the level that counts at an instant: one set by hand is a floor until its end."""
        manual = self.manual_at(at)
        return self.level if manual is None else max(self.level, manual[0])


def judge(standing: Standing, *, grace_days: int, at: datetime) -> Verdict:
    """Decide what becomes of a level that growth has to keep."""
    if standing.reached > standing.level:
        return Verdict.PROMOTE
    if standing.reached == standing.level:
        return Verdict.KEEP if standing.grace_until_at is None else Verdict.RETAIN
    if standing.grace_until_at is None:
        return Verdict.BEGIN_GRACE if grace_days else Verdict.DEMOTE
    return Verdict.DEMOTE if standing.grace_until_at <= at else Verdict.KEEP


def check_manual_level(
    standing: Standing, *, level: int, top_level: int, until_at: datetime, reason: str, at: datetime
) -> None:
    """Refuse a level by hand that would do nothing, never end, or have no reason.

    Raises:
        InvalidManualLevel: with the field that is wrong.
    """
    if not standing.level <= level <= top_level:
        raise InvalidManualLevel(field="level")
    if not at < until_at <= at + MANUAL_AT_MOST:
        raise InvalidManualLevel(field="until_at")
    if not 0 < len(reason.strip()) <= REASON_LENGTH_MAX:
        raise InvalidManualLevel(field="reason")
