from typing import Any

import pytest

from loyalty.points.explanations import sentence
from loyalty.points.rules import EntryKind


class TestSentence:
    @pytest.mark.parametrize(
        ("kind", "points", "explanation", "expected"),
        [
            (
                "earn",
                30,
                {"rule": "check_in", "plan_revision": 1, "streak": 5, "base": 10, "bonus": 20},
                "连续签到第5天，基础10积分＋连签奖励20积分",
            ),
            (
                "earn",
                10,
                {"rule": "check_in", "plan_revision": 1, "streak": 1, "base": 10, "bonus": 0},
                "连续签到第1天，基础10积分",
            ),
            ("earn", 50, {"rule": "enrolment"}, "入会礼，获得50积分"),
            ("earn", 12, {"rule": "purchase"}, "消费获得12积分"),
            ("earn", 88, {"rule": "earning", "event": "birthday"}, "生日礼，获得88积分"),
            ("spend", -20, {"rule": "exchange"}, "使用20积分"),
            ("spend", -250, {"rule": "points_as_money", "amount_fen": 205}, "积分抵现2.05元，使用250积分"),
            ("reverse", 25, {"rule": "refund_of_points"}, "退货退款，退回抵现的25积分"),
            (
                "reverse",
                -20,
                {"rule": "refund", "owed": 5, "shortfall": "offset_next_earn", "forgiven": 0},
                "退货退款，扣回20积分，其中5积分已用完，将从下次获得的积分中抵扣",
            ),
            ("expire", -7, {}, "7积分已过期"),
            ("adjust", 5, {"rule": "adjustment", "reason": "correction"}, "人工调整，增加5积分（差错更正）"),
            ("adjust", -5, {"rule": "adjustment"}, "人工调整，扣减5积分"),
            ("reverse", 20, {"rule": "reversal", "forgiven": 0}, "撤销一笔扣减，退回20积分"),
            ("reverse", -20, {"rule": "reversal", "forgiven": 0}, "撤销一笔入账，扣回20积分"),
            (
                "reverse",
                -20,
                {"rule": "reversal", "forgiven": 5},
                "撤销一笔入账，扣回20积分，另有5积分已用完，不再追回",
            ),
            (
                "reverse",
                0,
                {"rule": "reversal", "forgiven": 5},
                "撤销一笔入账，扣回0积分，另有5积分已用完，不再追回",
            ),
            (
                "reverse",
                -20,
                {"rule": "reversal", "forgiven": 0, "owed": 15, "shortfall": "negative"},
                "撤销一笔入账，扣回20积分，其中15积分已用完，积分余额暂为负数",
            ),
            (
                "reverse",
                -20,
                {"rule": "reversal", "forgiven": 0, "owed": 15, "shortfall": "offset_next_earn"},
                "撤销一笔入账，扣回20积分，其中15积分已用完，将从下次获得的积分中抵扣",
            ),
            (
                "reverse",
                -5,
                {"rule": "reversal", "forgiven": 0, "expired": 15},
                "撤销一笔入账，扣回5积分，另有15积分此前已过期",
            ),
            (
                "reverse",
                20,
                {"rule": "reversal", "graced": 5, "graced_until_on": "2026-03-19"},
                "撤销一笔扣减，退回20积分，其中5积分原已过期，宽限至3月19日",
            ),
            (
                "reverse",
                20,
                {"rule": "reversal", "debt_paid": 5},
                "撤销一笔扣减，退回20积分，其中5积分用于抵扣所欠积分",
            ),
            (
                "transfer",
                20,
                {"rule": "transfer", "from_member_id": 1, "debt": 30},
                "会员账号合并，转入50积分和待抵扣的30积分",
            ),
            (
                "transfer",
                30,
                {"rule": "transfer", "to_member_id": 2, "debt": 30},
                "会员账号合并，转出0积分和待抵扣的30积分",
            ),
            ("transfer", 9, {"rule": "transfer", "from_member_id": 1}, "会员账号合并，转入9积分"),
            ("transfer", -9, {"rule": "transfer", "to_member_id": 2}, "会员账号合并，转出9积分"),
        ],
    )
    def test_tells_why(self, kind: str, points: int, explanation: dict[str, Any], expected: str) -> None:
        assert sentence(kind=kind, points=points, explanation=explanation) == expected

    @pytest.mark.parametrize(
        "explanation",
        [{"rule": "check_in"}, {"rule": "check_in", "streak": "x", "base": 1, "bonus": 1}, {"rule": "unheard_of"}, {}],
    )
    def test_falls_back_to_the_kind_when_the_rule_tells_too_little(self, explanation: dict[str, Any]) -> None:
        assert sentence(kind="earn", points=3, explanation=explanation) == "获得3积分"

    @pytest.mark.parametrize("kind", list(EntryKind))
    @pytest.mark.parametrize("points", [-1, 1])
    def test_has_a_sentence_for_every_kind(self, kind: EntryKind, points: int) -> None:
        assert "积分" in sentence(kind=kind, points=points, explanation={})
