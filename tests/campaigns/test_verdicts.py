"""Words on a comparison: bold where the figures are, silent where they are not."""

import pytest

from loyalty.campaigns.rules.intervals import Sample
from loyalty.campaigns.rules.results import Comparison, Group
from loyalty.campaigns.rules.verdicts import buyers_verdict, spent_verdict


def group(members: int, buyers: int, fen: int) -> Group:
    return Group(buyers, Sample(members, buyers * fen, buyers * fen * fen))


@pytest.mark.parametrize(
    ("treated", "buyers", "spent"),
    [
        (
            group(1_000, 300, 50_00),
            "购买率相差 +10.00 个百分点，95% 置信区间 +6.21 至 +13.75 个百分点：活动提高了购买率",
            "人均消费相差 +5.00 元，95% 置信区间 +3.11 至 +6.89 元：活动提高了人均消费",
        ),
        (
            group(1_000, 203, 50_00),
            "购买率相差 +0.30 个百分点，95% 置信区间 -3.22 至 +3.82 个百分点：区间包含 0，还不能说活动有效果",
            "人均消费相差 +0.15 元，95% 置信区间 -1.61 至 +1.91 元：区间包含 0，还不能说活动有效果",
        ),
        (
            group(1_000, 100, 50_00),
            "购买率相差 -10.00 个百分点，95% 置信区间 -13.10 至 -6.89 个百分点：活动没有提高购买率，反而更低",
            "人均消费相差 -5.00 元，95% 置信区间 -6.55 至 -3.45 元：活动没有提高人均消费，反而更低",
        ),
        (
            group(99, 90, 50_00),
            "样本太少，不下结论（两组各需至少 100 人）",
            "样本太少，不下结论（两组各需至少 100 人，其中各 10 人有消费）",
        ),
    ],
)
def test_says_what_the_interval_allows(treated: Group, buyers: str, spent: str) -> None:
    comparison = Comparison(treated, group(1_000, 200, 50_00))

    assert (buyers_verdict(comparison), spent_verdict(comparison)) == (buyers, spent)


def test_two_like_groups_differ_by_nothing() -> None:
    like = group(1_000, 200, 50_00)

    assert buyers_verdict(Comparison(like, like)).startswith("购买率相差 0.00 个百分点")
