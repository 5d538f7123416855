"""What a comparison with the holdout says, in words that promise no more than the figures do."""

from loyalty.campaigns.rules.intervals import CONFIDENCE, Interval
from loyalty.campaigns.rules.results import BUYERS_LEAST, MEMBERS_LEAST, Comparison

TOO_SMALL = "样本太少，不下结论"
_SURE = f"{CONFIDENCE:.0%} 置信区间"


def buyers_verdict(comparison: Comparison) -> str:
    """Say whether more of those whom the campaign was for bought something."""
    found = comparison.buyers
    if found is None:
        return f"{TOO_SMALL}（两组各需至少 {MEMBERS_LEAST} 人）"
    bounds = f"{_SURE} {_points(found.low)} 至 {_points(found.high)} 个百分点"
    return f"购买率相差 {_points(found.estimate)} 个百分点，{bounds}：{_judgement(found, '购买率')}"


def spent_verdict(comparison: Comparison) -> str:
    """Say whether they spent more."""
    found = comparison.spent
    if found is None:
        return f"{TOO_SMALL}（两组各需至少 {MEMBERS_LEAST} 人，其中各 {BUYERS_LEAST} 人有消费）"
    bounds = f"{_SURE} {_yuan(found.low)} 至 {_yuan(found.high)} 元"
    return f"人均消费相差 {_yuan(found.estimate)} 元，{bounds}：{_judgement(found, '人均消费')}"


def _judgement(found: Interval, what: str) -> str:
    if not found.is_conclusive:
        return "区间包含 0，还不能说活动有效果"
    return f"活动提高了{what}" if found.low > 0 else f"活动没有提高{what}，反而更低"


def _points(share: float) -> str:
    return _signed(share * 100)


def _yuan(fen: float) -> str:
    return _signed(fen / 100)


def _signed(figure: float) -> str:
    """Write two decimals with the sign, and nothing as nothing."""
    text = f"{figure:+.2f}"
    return "0.00" if text in ("+0.00", "-0.00") else text
