"""An earning rule as a form and back: what was typed is kept as it is until it stands for a definition."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

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
from portal.console.earning_rule_fields import Reader
from portal.console.figures import shown_money
from portal.console.form_fields import Form, shown, shown_all, shown_hours, shown_text_sets

Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class Typed:
    """What a filled-in form stands for."""

    name: str
    definition: Definition
    starts_at: datetime | None
    ends_at: datetime | None


def form_of(definition: Definition) -> dict[str, list[str]]:
    """Return a definition as the form shows it."""
    wanted, stacking, expiry = definition.conditions, definition.stacking, definition.expiry
    form = _shown_reward("points", definition.points) | _shown_reward("growth", definition.growth)
    form |= shown_text_sets(wanted)
    for name in ("included_nodes", "excluded_nodes", "tier_levels", "tags", "weekdays"):
        form[name] = shown_all(getattr(wanted, name))
    for name in LIMIT_NAMES:
        form[name] = [shown(getattr(definition.caps, name, None) or getattr(definition.budgets, name, None))]
    return form | {
        "is_first_purchase": ["yes"] if wanted.is_first_purchase else [],
        "minimum_amount": [shown_money(wanted.minimum_amount_fen) if wanted.minimum_amount_fen else ""],
        "minimum_quantity": [shown(wanted.minimum_quantity or None)],
        "hours": [shown_hours(wanted.hours)],
        "first_on": [shown(wanted.first_on)],
        "last_on": [shown(wanted.last_on)],
        "month_days": ["、".join(map(str, sorted(wanted.month_days)))],
        "birthday": [wanted.birthday or ""],
        "custom_kind": [wanted.custom_kind or ""],
        "coupon_template_id": [shown(definition.coupon_template_id)],
        "group": [stacking.group or ""],
        "priority": [shown(stacking.priority or None)],
        "pending_days": [shown(definition.pending_days or None)],
        "expiry_kind": [expiry.kind if expiry else ""],
        "expiry_n": [shown(expiry.n if expiry else None)],
        "expiry_on": [shown(expiry.on if expiry else None)],
    }


def definition_of(form: Form, event: EarningEvent) -> Definition:
    """Return the definition that a form stands for; whether it makes sense is not seen here.

    Raises:
        InvalidEarningRule: with every field that cannot be read, and why.
    """
    return _readable(reader := Reader(form), _definition(reader, event))


def typed_of(form: Form, event: EarningEvent, zone: ZoneInfo) -> Typed:
    """Return all that a form stands for: the definition, its name, and from when until when it shall hold.

    Raises:
        InvalidEarningRule: with every field that cannot be read, and why.
    """
    reader = Reader(form)
    typed = Typed(
        name=reader.text("name"),
        definition=_definition(reader, event),
        starts_at=reader.moment("starts_at", zone),
        ends_at=reader.moment("ends_at", zone),
    )
    return _readable(reader, typed)


def _readable(reader: Reader, read: Read) -> Read:
    if reader.problems:
        raise InvalidEarningRule(reader.problems)
    return read


def _definition(reader: Reader, event: EarningEvent) -> Definition:
    return Definition(
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
        minimum_amount_fen=reader.money("minimum_amount", example="100 或 99.50") or 0,
        minimum_quantity=reader.whole("minimum_quantity") or 0,
        first_on=reader.day("first_on"),
        last_on=reader.day("last_on"),
        birthday=reader.choice("birthday", BirthdayMatch),
        custom_kind=reader.text("custom_kind") or None,
        **reader.text_sets(),
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
