"""Risk rules (风控规则) as data, and which of them fires: the first in their order whose conditions all hold."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

from loyalty.kernel.checking import is_code, is_tidy
from loyalty.kernel.documents import Problem
from loyalty.kernel.errors import InvalidInput
from loyalty.risk.rules.signals import WORDS, Fact, Signal
from loyalty.risk.rules.subjects import DECIDED, Occasion, Verdict

RULES_MAX = 100
CONDITIONS_MAX = 10
TITLE_LENGTH_MAX = 40
VALUE_MAX = 1_000_000_000
HOURS_MAX = 90 * 24
"""As long as sightings are kept."""
BLOCKLIST = "blocklist"
"""What a decision names in place of a rule when somebody is blocked."""
NOTHING_FOUND = "未发现异常"
BLOCKED = "在黑名单中"

Measure = tuple[Signal | Fact, int | None]
"""A signal with the hours within which it is counted; a fact has none."""
Measured = Mapping[Measure, int]


class InvalidRiskRules(InvalidInput):
    """Rules that could not be applied as they read; ``problems`` in the details say which fields and why."""

    code = "invalid_risk_rules"
    message = "风控规则不正确"

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(problems=[asdict(problem) for problem in problems])
        self.problems = tuple(problems)


class Bound(StrEnum):
    """How a number is compared."""

    AT_LEAST = "at_least"
    AT_MOST = "at_most"


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison; a number that is not known never fulfils it."""

    measured: Signal | Fact
    value: int
    bound: Bound = Bound.AT_LEAST
    within_hours: int | None = None

    @property
    def measure(self) -> Measure:
        """What has to be known for it."""
        return self.measured, self.within_hours

    def holds(self, known: Measured) -> bool:
        """Tell whether it is fulfilled."""
        found = known.get(self.measure)
        if found is None:
            return False
        return found >= self.value if self.bound is Bound.AT_LEAST else found <= self.value

    def told(self, known: Measured) -> str:
        """Say in Chinese what was found."""
        within = f"{self.within_hours}小时内" if self.within_hours else ""
        sign = "≥" if self.bound is Bound.AT_LEAST else "≤"
        return f"{within}{WORDS[self.measured]}{known[self.measure]}（{sign}{self.value}）"


@dataclass(frozen=True, slots=True)
class Rule:
    """What fires when all its conditions hold on one of its occasions."""

    name: str
    """A stable code, by which decisions name it."""
    title: str
    occasions: frozenset[Occasion]
    conditions: tuple[Condition, ...]
    verdict: Verdict
    is_on: bool = True


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the rules say, and why."""

    verdict: Verdict
    rule_name: str | None
    sentence: str


def measures_for(rules: Sequence[Rule], occasion: Occasion) -> Sequence[Measure]:
    """Return what has to be known to apply the rules of an occasion."""
    wanted = (one.measure for rule in rules if rule.is_on and occasion in rule.occasions for one in rule.conditions)
    return list(dict.fromkeys(wanted))


def decide(rules: Sequence[Rule], occasion: Occasion, known: Measured) -> Ruling:
    """Return what the first rule that fires says; without one, what is asked for is allowed."""
    for rule in rules:
        if rule.is_on and occasion in rule.occasions and all(one.holds(known) for one in rule.conditions):
            found = "；".join(one.told(known) for one in rule.conditions)
            return Ruling(rule.verdict, rule.name, f"{rule.title}：{found}")
    return Ruling(Verdict.ALLOW, None, NOTHING_FOUND)


def check_rules(rules: Sequence[Rule]) -> None:
    """Refuse rules that could not be applied.

    Raises:
        InvalidRiskRules: with everything that is wrong.
    """
    problems = [*_problems(rules)]
    if problems:
        raise InvalidRiskRules(problems)


def _problems(rules: Sequence[Rule]) -> Iterator[Problem]:
    if len(rules) > RULES_MAX:
        yield Problem("rules", f"风控规则最多 {RULES_MAX} 条")
    names = [rule.name for rule in rules]
    for index, rule in enumerate(rules):
        at = f"rules.{index}"
        if not is_code(rule.name) or names.count(rule.name) > 1 or rule.name == BLOCKLIST:
            yield Problem(f"{at}.name", "规则代码须为 1–64 个字符，且不能重复")
        if not is_tidy(rule.title, TITLE_LENGTH_MAX):
            yield Problem(f"{at}.title", f"规则名称须为 1–{TITLE_LENGTH_MAX} 个字")
        yield from _wrong_occasions(f"{at}.occasions", rule.occasions)
        if not 0 < len(rule.conditions) <= CONDITIONS_MAX:
            yield Problem(f"{at}.conditions", f"条件须为 1–{CONDITIONS_MAX} 个")
        for condition in rule.conditions:
            yield from _wrong_with(f"{at}.conditions", condition)


def _wrong_occasions(name: str, occasions: frozenset[Occasion]) -> Iterator[Problem]:
    if not occasions:
        yield Problem(name, "请选择适用场景")
    if not occasions <= DECIDED:
        yield Problem(name, "「入会」本身不发放奖励，不能作为适用场景")


def _wrong_with(name: str, condition: Condition) -> Iterator[Problem]:
    if not 0 <= condition.value <= VALUE_MAX:
        yield Problem(name, "比较的数值不正确")
    hours = condition.within_hours
    if isinstance(condition.measured, Fact):
        if hours is not None:
            yield Problem(name, f"「{WORDS[condition.measured]}」不能限定时间")
    elif hours is None or not 0 < hours <= HOURS_MAX:
        yield Problem(name, f"「{WORDS[condition.measured]}」须限定 1–{HOURS_MAX} 小时")
