"""What an order pays, to the fen, and what of it refunds leave: pure rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.channels.rules.inducement import ValueForFollowingOrSharing
from loyalty.commissions.rules.documents import from_json, to_json
from loyalty.commissions.rules.plan import InvalidCommissionPlan, Plan, Rate, check_plan
from loyalty.commissions.rules.reckoning import capped, left_of, reckon
from loyalty.orders.rules import Line
from tests.factories.orders import line

TEA, CUP = line(1, category="tea", amount_fen=9_990), line(2, sku="cup-01", category="cups", amount_fen=5_001)


@pytest.mark.parametrize(
    ("rates", "expected_fen"),
    [
        ((Rate(basis_points=500),), 749),
        ((Rate(basis_points=500, categories=frozenset({"tea"})),), 499),
        ((Rate(categories=frozenset({"tea"})), Rate(basis_points=1_000)), 500),
        ((Rate(fixed_fen=300, skus=frozenset({"cup-01"})), Rate(basis_points=100)), 300 + 99),
        ((Rate(fixed_fen=99_999, categories=frozenset({"cups"})),), 5_001),
        ((Rate(basis_points=500, skus=frozenset({"unknown"})),), 0),
    ],
    ids=["all goods", "a category", "a category left out", "fixed for a sku", "no more than was paid", "nothing"],
)
def test_the_first_rate_that_covers_a_line_pays(rates: tuple[Rate, ...], expected_fen: int) -> None:
    assert reckon(rates, [TEA, CUP]).amount_fen == expected_fen


_MONEY = st.integers(0, 1_000_000)
_LINES = st.lists(_MONEY, min_size=1, max_size=8)
_RATES = st.sampled_from([(Rate(basis_points=333),), (Rate(fixed_fen=1_000),), (Rate(basis_points=5_000),)])


@given(_LINES, _RATES, st.integers(1, 5_000), st.data())
def test_partial_refunds_never_leave_more_and_in_the_end_nothing(
    amounts: list[int], rates: tuple[Rate, ...], cap: int, data: st.DataObject
) -> None:
    lines = [line(number, amount_fen=amount) for number, amount in enumerate(amounts, start=1)]
    parts = capped(reckon(rates, lines).parts, cap)
    whole = sum(part.amount_fen for part in parts)
    assert whole <= min(cap, sum(amounts))
    assert left_of(parts, lines) == whole

    left, before = lines, whole
    for _ in range(3):
        left = [_less(one, data.draw(st.integers(0, one.amount_fen))) for one in left]
        assert (now := left_of(parts, left)) <= before
        before = now
    assert left_of(parts, [_less(one, one.amount_fen) for one in left]) == 0


def _less(one: Line, amount_fen: int) -> Line:
    return Line(one.line_number, one.sku, one.category, one.quantity, one.amount_fen - amount_fen)


@pytest.mark.parametrize(
    ("field", "plan"),
    [
        ("title", Plan("", (Rate(basis_points=1),))),
        ("first", Plan("佣金", ())),
        ("first.0.basis_points", Plan("佣金", (Rate(basis_points=5_001),))),
        ("second.0.fixed_fen", Plan("佣金", (Rate(basis_points=1),), second=(Rate(basis_points=1, fixed_fen=1),))),
        ("months", Plan("佣金", (Rate(basis_points=1),), months=0)),
        ("day_cap_fen", Plan("佣金", (Rate(basis_points=1),), day_cap_fen=0)),
    ],
)
def test_a_plan_that_could_not_be_paid_is_refused_by_field(field: str, plan: Plan) -> None:
    with pytest.raises(InvalidCommissionPlan) as refused:
        check_plan(plan)

    assert [problem.field for problem in refused.value.problems] == [field]


def test_a_plan_whose_title_promises_money_for_sharing_is_refused() -> None:
    with pytest.raises(ValueForFollowingOrSharing):
        check_plan(Plan("转发得佣金", (Rate(basis_points=1),)))


def test_a_plan_is_read_back_as_it_was_written_and_knows_no_third_level() -> None:
    goods = Rate(basis_points=250, categories=frozenset({"tea"}), skus=frozenset({"cup-01"}))
    plan = Plan("佣金", (goods, Rate()), second=(Rate(fixed_fen=5),), months=3, pending_days=0, is_open=False)

    assert from_json(to_json(plan)) == plan
    with pytest.raises(InvalidCommissionPlan):
        from_json({**to_json(plan), "third": [{"fixed_fen": 5}]})
