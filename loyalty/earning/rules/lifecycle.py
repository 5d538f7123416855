"""The life of a revision: draft, then scheduled or live, then ended; and what stores may have otherwise."""

from datetime import datetime
from enum import StrEnum

from loyalty.channels.rules.inducement import check_not_luring
from loyalty.earning.rules.definition import Conditions, Definition
from loyalty.earning.rules.errors import InvalidEarningRule, OverrideNotPermitted, Problem
from loyalty.earning.rules.facts import EarningEvent
from loyalty.kernel.texts import is_storable

NAME_LENGTH_MAX = 30


class RuleState(StrEnum):
    """Where a revision stands."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    LIVE = "live"
    ENDED = "ended"


class OverridePolicy(StrEnum):
    """What headquarters lets stores and regions change of a rule (门店调整)."""

    NONE = "none"
    EXCLUDE = "exclude"
    """Not to take part."""
    OVERRIDE = "override"
    """Not to take part, or to have the rule otherwise."""


def state_of(
    *, published_at: datetime | None, starts_at: datetime | None, ends_at: datetime | None, at: datetime
) -> RuleState:
    """Return where a revision stands at an instant; one that ended before it began never was live."""
    if published_at is None or starts_at is None:
        return RuleState.DRAFT
    if ends_at is not None and (ends_at <= at or ends_at <= starts_at):
        return RuleState.ENDED
    return RuleState.LIVE if starts_at <= at else RuleState.SCHEDULED


def check_draft(*, name: str, starts_at: datetime | None, ends_at: datetime | None) -> None:
    """Refuse a draft without a name, or one that ends before it begins.

    Raises:
        ValueForFollowingOrSharing: its name, which members read, promises what WeChat forbids to pay for.
        InvalidEarningRule: with everything that is wrong.
    """
    check_not_luring([name])
    problems = []
    if not 0 < len(name) <= NAME_LENGTH_MAX or not name.isprintable() or not is_storable(name):
        problems.append(Problem("name", f"规则名称须为 1–{NAME_LENGTH_MAX} 个字"))
    if starts_at is not None and ends_at is not None and ends_at <= starts_at:
        problems.append(Problem("ends_at", "结束时间须晚于开始时间"))
    if problems:
        raise InvalidEarningRule(problems)


def check_event_kept(definition: Definition, event: EarningEvent) -> None:
    """Refuse to make a rule one for another event: what it paid would no longer be told by it.

    Raises:
        InvalidEarningRule: the event is another one.
    """
    if definition.event is not event:
        raise InvalidEarningRule([Problem("event", "规则的事件不能修改，请新建规则")])


def check_override(definition: Definition | None, policy: OverridePolicy) -> None:
    """Refuse an override that headquarters does not permit; without a definition it is an exclusion.

    Raises:
        OverrideNotPermitted: the rule may not be had otherwise, or not in this way.
        InvalidEarningRule: it names stores itself, though it holds for one place only.
    """
    if policy is OverridePolicy.NONE or (definition is not None and policy is OverridePolicy.EXCLUDE):
        raise OverrideNotPermitted(policy=policy.value)
    nothing = Conditions()
    conditions = definition.conditions if definition is not None else nothing
    if conditions.included_nodes or conditions.excluded_nodes:
        raise InvalidEarningRule([Problem("included_nodes", "门店调整只对该门店或区域生效，不能再选择门店")])
