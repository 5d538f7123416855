"""The commission plan (佣金方案) as data: which goods pay how much, for how long, and how much at most."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from loyalty.channels.rules.inducement import check_not_luring
from loyalty.kernel import checking
from loyalty.kernel.checking import is_tidy
from loyalty.kernel.documents import Problem
from loyalty.kernel.errors import Conflict, InvalidInput
from loyalty.orders.rules import Line

TITLE_LENGTH_MAX = 30
BASIS_POINTS = 10_000
BASIS_POINTS_MAX = 5_000
FIXED_FEN_MAX = 100_000
MONTHS_MAX = 36
PENDING_DAYS_MAX = 90
CAP_FEN_MAX = 100_000_000
RATES_MAX = 6
LEVELS = (1, 2)

WARNING_VERSION = "2026-01"
WARNING = (
    "按下级的下级的消费发放佣金（第二级），可能被微信认定为多级分销：支付能力被停止、账号被封禁；层级更多的可能构成传销。"
    "我已知悉并承担后果；系统不提供第三级，也不收取任何入门费用。"
)
"""What the publisher has to agree to before a second level is paid.

Source: the platform's words of 2016-08-21, "only two levels, counting the recruiter"; 《禁止传销条例》 of 2005.
"""


class InvalidCommissionPlan(InvalidInput):
    """A plan that could not be paid as it reads; ``problems`` in the details say which fields and why."""

    code = "invalid_commission_plan"
    message = "佣金方案设置不正确"

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(problems=[asdict(problem) for problem in problems])
        self.problems = tuple(problems)


class NoCommissionPlanDraft(Conflict):
    """There is nothing to publish or to throw away."""

    code = "no_commission_plan_draft"
    message = "没有待发布的佣金方案草稿"


class SecondLevelNotAcknowledged(Conflict):
    """A second level would be paid, and nobody agreed to the warning in force."""

    code = "second_level_not_acknowledged"
    message = "发放第二级佣金须先确认风险告知"


@dataclass(frozen=True, slots=True)
class Rate:
    """How much some goods pay: a part of what was paid for them, or a fixed amount for each order; or nothing.

    Without categories and skus it is for all goods that no rate before it is for.
    """

    basis_points: int = 0
    fixed_fen: int = 0
    categories: frozenset[str] = frozenset()
    skus: frozenset[str] = frozenset()

    def covers(self, line: Line) -> bool:
        """Tell whether it is for a line of an order."""
        is_for_all = not self.categories and not self.skus
        return is_for_all or line.category in self.categories or line.sku in self.skus


@dataclass(frozen=True, slots=True)
class Plan:
    """What a revision of the plan says. Of several rates the first that covers a line pays for it."""

    title: str
    first: tuple[Rate, ...]
    """What who invited the buyer earns."""
    second: tuple[Rate, ...] = ()
    """What who had invited that one earns; empty where there is one level."""
    is_first_order_only: bool = False
    months: int | None = None
    """For so many months after the friend enrolled; without end when empty."""
    pending_days: int = 7
    """The refund window: what was earned waits so long after the payment."""
    order_cap_fen: int | None = None
    day_cap_fen: int | None = None
    month_cap_fen: int | None = None
    is_open: bool = True
    """Purchases earn; what they earned before is approved also when not."""

    @property
    def rates(self) -> Mapping[int, tuple[Rate, ...]]:
        """The rates of each level that is paid."""
        return {level: rates for level, rates in zip(LEVELS, (self.first, self.second), strict=True) if rates}


def check_plan(plan: Plan) -> None:
    """Refuse a plan that could not be paid.

    Raises:
        ValueForFollowingOrSharing: its title promises money for following or sharing.
        InvalidCommissionPlan: with everything that is wrong.
    """
    check_not_luring([plan.title])
    problems = list(_problems(plan))
    if problems:
        raise InvalidCommissionPlan(problems)


def _problems(plan: Plan) -> Iterator[Problem]:
    if not is_tidy(plan.title, TITLE_LENGTH_MAX):
        yield Problem("title", f"名称须为 1–{TITLE_LENGTH_MAX} 个字")
    if not plan.first:
        yield Problem("first", "至少有一条一级佣金")
    for name, rates in (("first", plan.first), ("second", plan.second)):
        if len(rates) > RATES_MAX:
            yield Problem(name, f"佣金最多 {RATES_MAX} 条")
        for index, rate in enumerate(rates):
            yield from _rate(f"{name}.{index}", rate)
    yield from _within("months", "有效月数", plan.months, 1, MONTHS_MAX)
    yield from _within("pending_days", "待结算天数", plan.pending_days, 0, PENDING_DAYS_MAX)
    for name, label in CAP_LABELS.items():
        yield from _within(name, label, getattr(plan, name), 1, CAP_FEN_MAX)


CAP_LABELS = {"order_cap_fen": "每单上限", "day_cap_fen": "每日上限", "month_cap_fen": "每月上限"}


def _rate(name: str, rate: Rate) -> Iterator[Problem]:
    yield from _within(f"{name}.basis_points", "比例（万分之）", rate.basis_points, 0, BASIS_POINTS_MAX)
    yield from _within(f"{name}.fixed_fen", "固定金额（分）", rate.fixed_fen, 0, FIXED_FEN_MAX)
    if rate.basis_points and rate.fixed_fen:
        yield Problem(f"{name}.fixed_fen", "比例和固定金额只能填一个")
    yield from checking.codes(f"{name}.categories", "品类", rate.categories)
    yield from checking.codes(f"{name}.skus", "商品编码", rate.skus)


def _within(name: str, label: str, value: int | None, least: int, most: int) -> Iterator[Problem]:
    if value is not None and not least <= value <= most:
        yield Problem(name, f"{label}须在 {least}–{most} 之间")
