"""The fields of the form of earning rules: what each is called, and what its text stands for.

A field holds a text or some, so that whatever was typed can be shown again.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from loyalty.earning.rules import Fixed, Hours, Multiple, PerAmount, Reward, Rounding
from loyalty.earning.rules.errors import InvalidEarningRule, Problem
from loyalty.earning.rules.words import LIMIT_NAMES
from loyalty.points.rules.expiry import PERIODS, ExpiryPolicy, InvalidExpiryPolicy, PolicyKind, check_policy
from portal.console.figures import money, times

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
TEXT_LENGTH_MAX = 4_000
_BETWEEN = re.compile(r"[,，、;；\r\n]+")
_WHOLE = re.compile(r"\d{1,15}", re.ASCII)
_SPAN = re.compile(r"(\d{1,2}):(\d{2})\s*[-–~至]\s*(\d{1,2}):(\d{2})", re.ASCII)


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

    def month_days(self, name: str) -> list[int]:
        """Return the days of the month that a text lists."""
        return self.listed(name, _whole, "须为日期数字，如 8、18、28")

    def spans(self, name: str) -> list[Hours]:
        """Return the spans of the day that a text lists."""
        return self.listed(name, _span, "须如 14:00-17:00，多个用顿号分开")

    def reward(self, name: str) -> Reward | None:
        """Return the reward of points or of growth."""
        kind = self.text(f"{name}_kind")
        if kind == "multiple":
            return Multiple(self.read(f"{name}_times", times, "须为倍数，如 2 或 1.5") or 0, self._rounding(name))
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


def _whole(text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise ValueError(text)
    return int(text)


def _span(text: str) -> Hours:
    found = _SPAN.fullmatch(text)
    if found is None:
        raise ValueError(text)
    hour, minute, until_hour, until_minute = map(int, found.groups())
    if max(minute, until_minute) >= 60:
        raise ValueError(text)
    return Hours(hour * 60 + minute, until_hour * 60 + until_minute)
