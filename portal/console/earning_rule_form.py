"""An earning rule as a form and back: every field a text or some, so that whatever was typed can be shown again."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
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
    Hours,
    Multiple,
    PerAmount,
    Reward,
    Rounding,
    Stacking,
)
from loyalty.earning.rules.errors import InvalidEarningRule, Problem
from loyalty.earning.rules.words import LIMIT_NAMES, clock, times
from loyalty.points.rules.expiry import PERIODS, ExpiryPolicy, InvalidExpiryPolicy, PolicyKind, check_policy

Form = Mapping[str, Sequence[str]]
Value = TypeVar("Value")
LABELS = {
    "points_kind": "积分奖励",
    "points_value": "积分数量",
    "points_each": "积分每满金额",
    "points_times": "积分倍数",
    "points_rounding": "积分零头",
    "growth_kind": "成长值奖励",
    "growth_value": "成长值数量",
    "growth_each": "成长值每满金额",
    "growth_times": "成长值倍数",
    "growth_rounding": "成长值零头",
    "included_nodes": "参加的门店",
    "excluded_nodes": "不参加的门店",
    "tier_levels": "会员等级",
    "tags": "会员标签",
    "is_first_purchase": "首单",
    "minimum_amount": "最低金额",
    "minimum_quantity": "最低件数",
    "skus": "指定商品",
    "categories": "指定品类",
    "excluded_skus": "不计的商品",
    "excluded_categories": "不计的品类",
    "channels": "渠道",
    "weekdays": "星期",
    "hours": "时段",
    "first_on": "开始日期",
    "last_on": "结束日期",
    "month_days": "会员日",
    "birthday": "生日",
    "custom_kind": "事件类型",
    "group": "互斥组",
    "priority": "优先级",
    **LIMIT_NAMES,
    "pending_days": "待入账天数",
    "expiry_kind": "积分有效期",
    "expiry_n": "有效期期数",
    "expiry_on": "有效期日期",
    "starts_at": "生效时间",
    "ends_at": "结束时间",
    "sample_amount": "试算金额",
    "sample_quantity": "试算件数",
    "sample_at": "试算时间",
    "sample_tier": "试算等级",
    "sample_store": "试算门店",
}
"""What each field is called, on the page and where it is refused."""
LIMITS = ("member_day", "member_week", "member_month", "member_total", "rule_budget", "store_budget")
_TEXT_SETS = ("tags", "skus", "categories", "excluded_skus", "excluded_categories", "channels")
_BETWEEN = re.compile(r"[,，、;；\r\n]+")
_WHOLE = re.compile(r"\d{1,15}", re.ASCII)
_MONEY = re.compile(r"(\d{1,12})(?:\.(\d{1,2}))?", re.ASCII)
_TIMES = re.compile(r"(\d{1,4})(?:\.(\d{1,4}))?", re.ASCII)
_SPAN = re.compile(r"(\d{1,2}):(\d{2})\s*[-–~至]\s*(\d{1,2}):(\d{2})", re.ASCII)
TEXT_LENGTH_MAX = 4_000


def form_of(definition: Definition) -> dict[str, list[str]]:
    """Return a definition as the form shows it."""
    wanted, stacking, expiry = definition.conditions, definition.stacking, definition.expiry
    form = _shown_reward("points", definition.points) | _shown_reward("growth", definition.growth)
    for name in _TEXT_SETS:
        form[name] = ["、".join(sorted(getattr(wanted, name)))]
    for name in ("included_nodes", "excluded_nodes", "tier_levels", "weekdays"):
        form[name] = [str(value) for value in sorted(getattr(wanted, name))]
    for name in LIMITS:
        form[name] = [_shown(getattr(definition.caps, name, None) or getattr(definition.budgets, name, None))]
    return form | {
        "is_first_purchase": ["yes"] if wanted.is_first_purchase else [],
        "minimum_amount": [_yuan(wanted.minimum_amount_fen) if wanted.minimum_amount_fen else ""],
        "minimum_quantity": [_shown(wanted.minimum_quantity or None)],
        "hours": ["、".join(f"{clock(span.from_minute)}-{clock(span.until_minute)}" for span in wanted.hours)],
        "first_on": [_shown(wanted.first_on)],
        "last_on": [_shown(wanted.last_on)],
        "month_days": ["、".join(map(str, sorted(wanted.month_days)))],
        "birthday": [wanted.birthday or ""],
        "custom_kind": [wanted.custom_kind or ""],
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
        conditions=_conditions(reader),
        stacking=Stacking(reader.text("group") or None, reader.whole("priority") or 0),
        caps=Caps(**{name: reader.whole(name) for name in LIMITS if name.startswith("member")}),
        budgets=Budgets(**{name: reader.whole(name) for name in LIMITS if name.endswith("budget")}),
        pending_days=reader.whole("pending_days") or 0,
        expiry=reader.expiry(),
    )
    if reader.problems:
        raise InvalidEarningRule(reader.problems)
    return definition


def moment_of(form: Form, name: str, zone: ZoneInfo) -> datetime | None:
    """Return a date and time of day in the programme's zone, or None when the field is empty.

    Raises:
        InvalidEarningRule: it is none.
    """
    reader = Reader(form)
    moment = reader.read(name, datetime.fromisoformat, "须为日期和时间，如 2026-03-10 08:00")
    if moment is not None and not (moment.tzinfo is None and 2000 <= moment.year < 2200):
        reader.refuse(name, "年份须在 2000–2199 之间")
    if reader.problems:
        raise InvalidEarningRule(reader.problems)
    return moment.replace(tzinfo=zone) if moment is not None else None


def shown_moment(at: datetime | None, zone: ZoneInfo) -> str:
    """Return an instant as the form shows it, to the minute."""
    return at.astimezone(zone).strftime("%Y-%m-%dT%H:%M") if at is not None else ""


def money(text: str) -> int:
    """Read an amount of yuan as fen, exactly.

    Raises:
        ValueError: it is none.
    """
    found = _MONEY.fullmatch(text.replace(",", "").removeprefix("¥").strip())
    if found is None:
        raise ValueError(text)
    return int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))


def _conditions(reader: "Reader") -> Conditions:
    return Conditions(
        included_nodes=reader.numbers("included_nodes"),
        excluded_nodes=reader.numbers("excluded_nodes"),
        tier_levels=reader.numbers("tier_levels"),
        weekdays=reader.numbers("weekdays"),
        month_days=frozenset(reader.listed("month_days", _whole, "须为日期数字，如 8、18、28")),
        hours=tuple(reader.listed("hours", _span, "须如 14:00-17:00，多个用顿号分开")),
        is_first_purchase=reader.text("is_first_purchase") == "yes",
        minimum_amount_fen=reader.read("minimum_amount", money, "须为金额，如 100 或 99.50") or 0,
        minimum_quantity=reader.whole("minimum_quantity") or 0,
        first_on=reader.read("first_on", date.fromisoformat, "须为日期，如 2026-03-10"),
        last_on=reader.read("last_on", date.fromisoformat, "须为日期，如 2026-03-10"),
        birthday=reader.read("birthday", BirthdayMatch, "请从列表中选择"),
        custom_kind=reader.text("custom_kind") or None,
        **{name: frozenset(reader.listed(name, str, "")) for name in _TEXT_SETS},
    )


class Reader:
    """Reads fields, and remembers every one that could not be read."""

    def __init__(self, form: Form) -> None:
        self._form = form
        self.problems: list[Problem] = []

    def refuse(self, name: str, reason: str) -> None:
        """Remember that a field is wrong."""
        self.problems.append(Problem(name, f"{LABELS.get(name, name)}{reason}"))

    def text(self, name: str) -> str:
        """Return a field's first text, empty when it is missing."""
        text = next(iter(self._form.get(name, ())), "").strip()
        if len(text) > TEXT_LENGTH_MAX:
            self.refuse(name, f"不能超过 {TEXT_LENGTH_MAX:,} 个字")
            return ""
        return text

    def read(self, name: str, parse: Callable[[str], Value], reason: str) -> Value | None:
        """Return what a field's text stands for, or None when it is empty or cannot be read."""
        text = self.text(name)
        try:
            return parse(text) if text else None
        except ValueError:
            self.refuse(name, reason)
            return None

    def whole(self, name: str) -> int | None:
        """Return a field as a number."""
        return self.read(name, _whole, "须为整数")

    def numbers(self, name: str) -> frozenset[int]:
        """Return all chosen values of a field with several choices."""
        found = [value for value in self._form.get(name, ()) if _WHOLE.fullmatch(value)]
        if len(found) != len(self._form.get(name, ())):
            self.refuse(name, "请从列表中选择")
        return frozenset(map(int, found))

    def listed(self, name: str, parse: Callable[[str], Value], reason: str) -> list[Value]:
        """Return the values of a text that lists some, between commas or in lines."""
        parts = [part.strip() for part in _BETWEEN.split(self.text(name))]
        try:
            return [parse(part) for part in parts if part]
        except ValueError:
            self.refuse(name, reason)
            return []

    def reward(self, name: str) -> Reward | None:
        """Return the reward of points or of growth."""
        kind = self.text(f"{name}_kind")
        if kind == "multiple":
            return Multiple(self.read(f"{name}_times", _times, "须为倍数，如 2 或 1.5") or 0, self._rounding(name))
        if kind not in ("per_amount", "fixed"):
            if kind:
                self.refuse(f"{name}_kind", "请从列表中选择")
            return None
        value = self.whole(f"{name}_value") or 0
        if kind == "fixed":
            return Fixed(value)
        return PerAmount(value, self.read(f"{name}_each", money, "须为金额，如 1 或 10") or 0, self._rounding(name))

    def _rounding(self, name: str) -> Rounding:
        return self.read(f"{name}_rounding", Rounding, "请从列表中选择") or Rounding.FLOOR

    def expiry(self) -> ExpiryPolicy | None:
        """Return the expiry policy, or None for that of the programme."""
        kind = self.read("expiry_kind", PolicyKind, "请从列表中选择")
        if kind is None:
            return None
        n = self.whole("expiry_n") if kind in PERIODS else None
        on = self.read("expiry_on", date.fromisoformat, "须为日期") if kind is PolicyKind.FIXED_DATE else None
        policy = ExpiryPolicy(kind, n=n, on=on)
        try:
            check_policy(policy)
        except InvalidExpiryPolicy:
            self.refuse("expiry_n", "有效期的期数或日期不正确")
        return policy


def _whole(text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise ValueError(text)
    return int(text)


def _times(text: str) -> int:
    found = _TIMES.fullmatch(text)
    if found is None:
        raise ValueError(text)
    return int(found[1]) * 10_000 + int((found[2] or "").ljust(4, "0"))


def _span(text: str) -> Hours:
    found = _SPAN.fullmatch(text)
    if found is None:
        raise ValueError(text)
    hour, minute, until_hour, until_minute = map(int, found.groups())
    if max(minute, until_minute) >= 60:
        raise ValueError(text)
    return Hours(hour * 60 + minute, until_hour * 60 + until_minute)


def _shown_reward(name: str, reward: Reward | None) -> dict[str, list[str]]:
    kinds: dict[type[Reward], str] = {PerAmount: "per_amount", Fixed: "fixed", Multiple: "multiple"}
    form = {f"{name}_kind": [kinds[type(reward)] if reward is not None else ""]}
    if isinstance(reward, Multiple):
        form[f"{name}_times"] = [times(reward.basis_points)]
    if isinstance(reward, PerAmount | Fixed):
        form[f"{name}_value"] = [str(reward.value)]
    if isinstance(reward, PerAmount):
        form[f"{name}_each"] = [_yuan(reward.each_fen)]
    if isinstance(reward, PerAmount | Multiple):
        form[f"{name}_rounding"] = [reward.rounding.value]
    return form


def _yuan(fen: int) -> str:
    yuan, rest = divmod(fen, 100)
    return f"{yuan}.{rest:02d}" if rest else str(yuan)


def _shown(value: object) -> str:
    return "" if value is None else str(value)
