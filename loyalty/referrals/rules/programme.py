"""The referral programme (邀请活动) as data: when an invitation is fulfilled, what it pays, how often at most."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta

from loyalty.channels.rules.inducement import check_not_luring
from loyalty.kernel.checking import ID_MAX, is_tidy
from loyalty.kernel.documents import Problem
from loyalty.kernel.errors import Conflict, InvalidInput
from loyalty.kernel.texts import is_storable

TITLE_LENGTH_MAX = 30
TEXT_LENGTH_MAX = 2000
POINTS_MAX = 1_000_000
CAP_MAX = 1_000_000
DAYS_MAX = 365
HOURS_MAX = 30 * 24
AMOUNT_FEN_MAX = 10_000_000

WARNING_VERSION = "2026-01"
WARNING = (
    "仅凭好友打开链接就发放奖励，可能被微信认定为诱导分享：链接被停止访问、域名被封、分享能力被关闭，情节严重的永久生效。"
    "我已知悉并承担后果；发现异常时将立即关闭该分享渠道。"
)
"""What the operator has to agree to before an opening alone is paid.

Source: 《微信外部链接内容管理规范》, in force since 2019-10-28, names points among the gains that may not be offered.
"""


class InvalidReferralProgramme(InvalidInput):
    """A programme that could not be paid as it reads; ``problems`` in the details say which fields and why."""

    code = "invalid_referral_programme"
    message = "邀请活动设置不正确"

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(problems=[asdict(problem) for problem in problems])
        self.problems = tuple(problems)


class NoReferralProgrammeDraft(Conflict):
    """There is nothing to publish or to throw away."""

    code = "no_referral_programme_draft"
    message = "没有待发布的邀请活动草稿"


class OpeningNotAcknowledged(Conflict):
    """An opening alone would be paid, and nobody agreed to the warning in force."""

    code = "opening_not_acknowledged"
    message = "仅凭打开就发放奖励须先确认风险告知"


@dataclass(frozen=True, slots=True)
class Reward:
    """What one side gets; nothing by default."""

    points: int = 0
    coupon_template_id: int | None = None

    @property
    def is_nothing(self) -> bool:
        """Nobody has to be paid."""
        return not self.points and self.coupon_template_id is None


@dataclass(frozen=True, slots=True)
class Purchase:
    """The condition that the friend buys, for at least so much, within so many days of enrolling (首单)."""

    minimum_fen: int = 1
    within_days: int = 30


@dataclass(frozen=True, slots=True)
class Caps:
    """How many invitations pay the referrer at most; the friend is not punished for them."""

    per_day: int | None = None
    per_month: int | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class OpeningReward:
    """What an opening alone pays who shared, and how many at most, a day and in all."""

    points: int
    per_day: int
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Programme:
    """What a revision of the programme says."""

    title: str
    description: str
    """What members read before they invite (活动规则)."""
    share_title: str
    """What the friend sees on the card."""
    referrer: Reward = field(default_factory=Reward)
    referee: Reward = field(default_factory=Reward)
    purchase: Purchase | None = None
    """Without it, enrolling fulfils the invitation."""
    caps: Caps = field(default_factory=Caps)
    opening: OpeningReward | None = None
    attribution_days: int = 30
    """How long the first touch counts."""
    link_days: int = 30
    wait_hours: int = 24
    """How long risk waits before it looks, so that of a ring all have come."""
    is_open: bool = True
    """Invitations are taken; what was attributed before is paid also when not."""

    @property
    def window(self) -> timedelta:
        """How long the first touch counts (归因窗口)."""
        return timedelta(days=self.attribution_days)

    @property
    def wait(self) -> timedelta:
        """How long a reward is pending before risk looks at it."""
        return timedelta(hours=self.wait_hours)


def check_programme(programme: Programme) -> None:
    """Refuse a programme that could not be paid, or whose texts lure.

    Raises:
        ValueForFollowingOrSharing: a text promises something for sharing or following.
        InvalidReferralProgramme: with everything that is wrong.
    """
    check_not_luring([programme.title, programme.description, programme.share_title])
    problems = [*_texts(programme), *_figures(programme)]
    if problems:
        raise InvalidReferralProgramme(problems)


def _texts(programme: Programme) -> Iterator[Problem]:
    for name, value in (("title", programme.title), ("share_title", programme.share_title)):
        if not is_tidy(value, TITLE_LENGTH_MAX):
            yield Problem(name, f"须为 1–{TITLE_LENGTH_MAX} 个字")
    if not 0 < len(programme.description) <= TEXT_LENGTH_MAX or not is_storable(programme.description):
        yield Problem("description", f"活动规则须为 1–{TEXT_LENGTH_MAX} 个字")


def _figures(programme: Programme) -> Iterator[Problem]:
    for side in ("referrer", "referee"):
        reward: Reward = getattr(programme, side)
        yield from _within(f"{side}.points", reward.points, 0, POINTS_MAX)
        yield from _within(f"{side}.coupon_template_id", reward.coupon_template_id, 1, ID_MAX)
    for name, value in asdict(programme.caps).items():
        yield from _within(f"caps.{name}", value, 1, CAP_MAX)
    if programme.purchase is not None:
        yield from _within("purchase.minimum_fen", programme.purchase.minimum_fen, 1, AMOUNT_FEN_MAX)
        yield from _within("purchase.within_days", programme.purchase.within_days, 1, DAYS_MAX)
    if programme.opening is not None:
        yield from _within("opening.points", programme.opening.points, 1, POINTS_MAX)
        yield from _within("opening.per_day", programme.opening.per_day, 1, CAP_MAX)
        yield from _within("opening.total", programme.opening.total, 1, CAP_MAX)
        if programme.opening.total is not None and programme.opening.total < programme.opening.per_day:
            yield Problem("opening.total", "不能小于每天的上限")
    yield from _within("attribution_days", programme.attribution_days, 1, DAYS_MAX)
    yield from _within("link_days", programme.link_days, 1, DAYS_MAX)
    yield from _within("wait_hours", programme.wait_hours, 0, HOURS_MAX)


def _within(name: str, value: int | None, least: int, most: int) -> Iterator[Problem]:
    if value is not None and not least <= value <= most:
        yield Problem(name, f"须在 {least}–{most} 之间")
