"""An earning rule as a form and back: what was typed is kept as it is until it stands for a definition."""

from datetime import date

from loyalty.earning.rules import (
    BirthdayMatch,
    Budgets,
    Caps,
    Conditions,
    Definition,
    EarningEvent,
    Fixed,
    Multiple,
    PerAmount,
    Reward,
    Stacking,
)
from loyalty.earning.rules.errors import InvalidEarningRule
from loyalty.earning.rules.words import LIMIT_NAMES, times
from loyalty.kernel.wording import clock
from portal.console.earning_rule_fields import Reader
from portal.console.figures import money, shown_money
from portal.console.form_fields import Form

_TEXT_SETS = ("skus", "categories", "excluded_skus", "excluded_categories", "channels")


def form_of(definition: Definition) -> dict[str, list[str]]:
    """Return a definition as the form shows it."""
    wanted, stacking, expiry = definition.conditions, definition.stacking, definition.expiry
    form = _shown_reward("points", definition.points) | _shown_reward("growth", definition.growth)
    for name in _TEXT_SETS:
        form[name] = ["、".join(sorted(getattr(wanted, name)))]
    for name in ("included_nodes", "excluded_nodes", "tier_levels", "tags", "weekdays"):
        form[name] = [str(value) for value in sorted(getattr(wanted, name))]
    for name in LIMIT_NAMES:
        form[name] = [_shown(getattr(definition.caps, name, None) or getattr(definition.budgets, name, None))]
    return form | {
        "is_first_purchase": ["yes"] if wanted.is_first_purchase else [],
        "minimum_amount": [shown_money(wanted.minimum_amount_fen) if wanted.minimum_amount_fen else ""],
        "minimum_quantity": [_shown(wanted.minimum_quantity or None)],
        "hours": ["、".join(f"{clock(span.from_minute)}-{clock(span.until_minute)}" for span in wanted.hours)],
        "first_on": [_shown(wanted.first_on)],
        "last_on": [_shown(wanted.last_on)],
        "month_days": ["、".join(map(str, sorted(wanted.month_days)))],
        "birthday": [wanted.birthday or ""],
        "custom_kind": [wanted.custom_kind or ""],
        "coupon_template_id": [_shown(definition.coupon_template_id)],
        "group": [stacking.group or ""],
        "priority": [_shown(stacking.priority or None)],
        "pending_days": [_shown(definition.pending_days or None)],
        "expiry_kind": [expiry.kind if expiry else ""],
        "expiry_n": [_shown(expiry.n if expiry else None)],
        "expiry_on": [_shown(expiry.on if expiry else None)],
    }


def definition_of(form: Form, event: EarningEvent) -> Definition:
    """Return the definition that a form stands for; whether it makes sense is not seen here.

    Raises:
        InvalidEarningRule: with every field that cannot be read, and why.
    """
    reader = Reader(form)
    definition = Definition(
        event=event,
        points=reader.reward("points"),
        growth=reader.reward("growth"),
        coupon_template_id=reader.whole("coupon_template_id"),
        conditions=_conditions(reader),
        stacking=Stacking(reader.text("group") or None, reader.whole("priority") or 0),
        caps=Caps(**{name: reader.whole(name) for name in LIMIT_NAMES if name.startswith("member")}),
        budgets=Budgets(**{name: reader.whole(name) for name in LIMIT_NAMES if name.endswith("budget")}),
        pending_days=reader.whole("pending_days") or 0,
        expiry=reader.expiry(),
    )
    if reader.problems:
        raise InvalidEarningRule(reader.problems)
    return definition


def _conditions(reader: Reader) -> Conditions:
    return Conditions(
        included_nodes=reader.numbers("included_nodes"),
        excluded_nodes=reader.numbers("excluded_nodes"),
        tier_levels=reader.numbers("tier_levels"),
        tags=reader.numbers("tags"),
        weekdays=reader.numbers("weekdays"),
        month_days=frozenset(reader.month_days("month_days")),
        hours=tuple(reader.spans("hours")),
        is_first_purchase=reader.text("is_first_purchase") == "yes",
        minimum_amount_fen=reader.read("minimum_amount", money, "须为金额，如 100 或 99.50") or 0,
        minimum_quantity=reader.whole("minimum_quantity") or 0,
        first_on=reader.read("first_on", date.fromisoformat, "须为日期，如 2026-03-10"),
        last_on=reader.read("last_on", date.fromisoformat, "须为日期，如 2026-03-10"),
        birthday=reader.read("birthday", BirthdayMatch, "请从列表中选择"),
        custom_kind=reader.text("custom_kind") or None,
        **{name: frozenset(reader.listed(name, str, "")) for name in _TEXT_SETS},
    )


def _shown_reward(name: str, reward: Reward | None) -> dict[str, list[str]]:
    kinds: dict[type[Reward], str] = {PerAmount: "per_amount", Fixed: "fixed", Multiple: "multiple"}
    form = {f"{name}_kind": [kinds[type(reward)] if reward is not None else ""]}
    if isinstance(reward, Multiple):
        form[f"{name}_times"] = [times(reward.basis_points)]
    if isinstance(reward, PerAmount | Fixed):
        form[f"{name}_value"] = [str(reward.value)]
    if isinstance(reward, PerAmount):
        form[f"{name}_each"] = [shown_money(reward.each_fen)]
    if isinstance(reward, PerAmount | Multiple):
        form[f"{name}_rounding"] = [reward.rounding.value]
    return form


def _shown(value: object) -> str:
    return "" if value is None else str(value)
