"""Expiry (有效期): what texts declare of how long something lasts, against how long it does."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from loyalty.campaigns.rules.terms import GiveCoupon, GivePoints, Terms
from loyalty.coupons.rules.terms import FixedDates
from loyalty.coupons.rules.terms import Terms as CouponTerms
from loyalty.points.rules.expiry import ExpiryPolicy, last_day

_CLAUSES = re.compile(r"[。；;\n！!]")
_DIGITS = "一二两三四五六七八九十百半"
_NUMBER = rf"(\d{{1,6}}|[{_DIGITS}]{{1,5}})"
_NO_DATE = rf"(?!\s*[\d{_DIGITS}]+\s*[月日号]|[底初末份中])"
"""After a year or a month stands no day: that would be a date (2026 年 3 月 31 日、三月底), which is no span."""
_SPANS = re.compile(
    rf"(?:(?<!活动)有效期[^\d。；\n]{{0,6}}?{_NUMBER}\s*(个工作日|天|日|个月|(?:月|年){_NO_DATE}))"
    rf"|(?:{_NUMBER}\s*(天|日|个月|年)(?:之?内|以内)?有效)"
)
_UNTIL = re.compile(r"(?<!活动)有效期?(?:截止)?(?:至|到)\s*(\d{4})\s*[-年/.]\s*(\d{1,2})\s*[-月/.]\s*(\d{1,2})")
_FOR_EVER = re.compile(r"(?:长期|永久|终身|一直)有效|永不过期|不会过期|无限期")
_UNITS = {"十": 10, "百": 100}
_VALUES = {"两": 2} | {each: value for value, each in enumerate("一二三四五六七八九", 1)}
_DAYS_OF = {"年": 365, "月": 30}
_DAYS_MAX = 36_500
"""Longer is for ever, and would leave the calendar."""


@dataclass(frozen=True, slots=True)
class Lasting:
    """How long something lasts that is given on the day of the launch; no last day where it never ends."""

    words: str
    last_on: date | None


def shorter_than_declared(
    text: str, terms: Terms, *, coupons: Mapping[int, CouponTerms], points_policy: ExpiryPolicy, on: date
) -> Iterator[tuple[str, str]]:
    """Yield the words of a text that promise more than holds, with what does not last so long."""
    points = list(_points(terms, points_policy, on))
    given = list(_coupons(terms, coupons, on))
    for clause in _CLAUSES.split(text):
        declared = list(_declared(clause, on))
        for words, last_on in declared:
            for one in _meant(clause, words, points, given):
                if one.last_on is not None and (last_on is None or one.last_on < last_on):
                    yield words, f"{one.words}只到 {one.last_on:%Y-%m-%d}"


def _declared(clause: str, on: date) -> Iterator[tuple[str, date | None]]:
    if found := _FOR_EVER.search(clause):
        yield found.group(), None
    for found in _UNTIL.finditer(clause):
        try:
            yield found.group(), date(*map(int, found.groups()))
        except ValueError:  # 2026-02-30
            continue
    for found in _SPANS.finditer(clause):
        number, unit = _number(found[1] or found[3]), found[2] or found[4]
        days = min(int(number * _DAYS_OF.get(unit[-1], 1)), _DAYS_MAX)
        yield found.group(), on + timedelta(days=days - 1)


def _number(words: str) -> float:
    """Read a number below a thousand in Chinese, or any in figures; 半 is a half."""
    if words.isdecimal():
        return int(words)
    number, last = 0.0, 0
    for each in words:
        if each in _UNITS:
            number, last = number + (last or 1) * _UNITS[each], 0
        elif each == "半":
            number += 0.5
        else:
            last = _VALUES[each]
    return number + last


def _meant(clause: str, words: str, points: list[Lasting], coupons: list[Lasting]) -> list[Lasting]:
    """Return what a clause speaks of: the last of points and coupons that is named before the words, else all."""
    before = clause[: clause.find(words)]
    of_points, of_coupons = before.rfind("积分"), before.rfind("券")
    if of_points == of_coupons:
        return [*points, *coupons]
    return points if of_points > of_coupons else coupons


def _points(terms: Terms, policy: ExpiryPolicy, on: date) -> Iterator[Lasting]:
    for action in terms.actions:
        if isinstance(action, GivePoints):
            days = action.valid_days
            last_on = last_day(policy, on) if days is None else on + timedelta(days=min(days, _DAYS_MAX) - 1)
            yield Lasting("积分", last_on)


def _coupons(terms: Terms, coupons: Mapping[int, CouponTerms], on: date) -> Iterator[Lasting]:
    for action in terms.actions:
        if not isinstance(action, GiveCoupon) or action.template_id not in coupons:
            continue
        coupon = coupons[action.template_id]
        if isinstance(coupon.validity, FixedDates):
            yield Lasting(f"「{coupon.title}」", coupon.validity.last_on)
        else:
            first_on = on + timedelta(days=coupon.validity.delay_days)
            last_on = first_on + timedelta(days=coupon.validity.days - 1)
            yield Lasting(f"「{coupon.title}」", last_on)
