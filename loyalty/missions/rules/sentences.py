"""Sentences: a whole mission as one Chinese sentence, and how far somebody is."""

from collections.abc import Iterator

from loyalty.kernel.wording import yuan
from loyalty.missions.rules.terms import Measure, MissionEvent, Period, Terms
from loyalty.missions.rules.words import EVENT_NAMES, LIMIT_NAMES, Names, amount_words, reward_words

_NO_NAMES = Names()
_SPANS = {Period.ONCE: "", Period.DAILY: "每天", Period.WEEKLY: "每周（周一至周日）"}
_HOW = {Measure.TIMES: " ", Measure.AMOUNT: "累计满 ", Measure.DAYS: "共 ", Measure.STREAK: "连续 "}


def sentence(terms: Terms, *, names: Names = _NO_NAMES, has_codes: bool = False) -> str:
    """Return what a mission says in one Chinese sentence; nothing but its dates and texts is left out.

    Members read what a reported event is called by the mission's title; ``has_codes`` tells staff its code.
    """
    steps = "，".join(
        f"{_HOW[terms.measure]}{amount_words(terms.measure, step.target)} 得 {reward_words(step.reward, names)}"
        for step in terms.steps
    ).replace("， ", "，")
    rest = "".join(f"；{one}" for one in _terms(terms, names))
    return f"{_SPANS[terms.period]}{_what(terms, has_codes)}{steps}{rest}。"


def progress_words(measure: Measure, progress: int, target: int) -> str:
    """Return how far somebody is: 3/7 天, ¥120.00/¥200.00."""
    if measure is Measure.AMOUNT:
        return f"{yuan(min(progress, target))}/{yuan(target)}"
    return f"{min(progress, target):,}/{amount_words(measure, target)}"


def _what(terms: Terms, has_codes: bool) -> str:
    if terms.event is not MissionEvent.CUSTOM:
        return EVENT_NAMES[terms.event]
    return f"{EVENT_NAMES[terms.event]}（{terms.custom_kind}）" if has_codes else f"「{terms.title}」"


def _terms(terms: Terms, names: Names) -> Iterator[str]:
    if terms.minimum_amount_fen:
        yield f"单笔实付满 {yuan(terms.minimum_amount_fen)} 才计入"
    if terms.tier_levels:
        levels = "、".join(names.tiers.get(level, f"{level} 级会员") for level in sorted(terms.tier_levels))
        yield f"限{levels}"
    yield "完成后手动领取" if terms.is_claimed_by_hand else "完成后自动到账"
    for name, label in LIMIT_NAMES.items():
        most = getattr(terms.limits, name)
        if most is not None:
            yield f"{label} {most:,}"
