"""What a clerk types in for a coupon, and what basket it makes."""

from typing import Any

import pytest

from loyalty.clerks.rules import (
    AmountMissing,
    Asked,
    CouponTakenAlone,
    Typed,
    asked_for,
    check_chosen,
    is_for_all_goods,
    lines_of,
)
from loyalty.coupons.rules.discounting import Remainder
from loyalty.coupons.rules.terms import CashOff, FixedPrice, Gift, PercentOff, Scope
from tests.factories.coupons import terms_of

GOODS = Scope(skus=frozenset({"latte", "mocha"}), excluded_skus=frozenset({"latte"}))


@pytest.mark.parametrize(
    ("changes", "asked"),
    [
        ({"worth": Gift("咖啡"), "threshold_fen": 0}, Asked(piece=False, goods=False)),
        ({"worth": Gift("咖啡"), "threshold_fen": 0, "scope": GOODS}, Asked(piece=False, goods=False)),
        ({"worth": Gift("咖啡"), "threshold_fen": 100}, Asked(piece=False, goods=True)),
        ({"worth": Gift("咖啡"), "threshold_fen": 100, "scope": GOODS}, Asked(piece=True, goods=True)),
        ({"worth": CashOff(100), "threshold_fen": 0}, Asked(piece=False, goods=True)),
        ({"worth": PercentOff(15), "threshold_fen": 0}, Asked(piece=False, goods=True)),
        ({"worth": FixedPrice(990), "threshold_fen": 0}, Asked(piece=True, goods=False)),
        ({"worth": FixedPrice(990), "threshold_fen": 100}, Asked(piece=True, goods=True)),
    ],
)
def test_only_what_decides_the_worth_is_asked_for(changes: dict[str, Any], asked: Asked) -> None:
    assert asked_for(terms_of(**changes)) == asked


@pytest.mark.parametrize(
    ("worth", "typed"), [(CashOff(100), Typed()), (CashOff(100), Typed(goods_fen=0)), (FixedPrice(1), Typed(None, 5))]
)
def test_a_missing_amount_is_asked_for_again(worth: Any, typed: Typed) -> None:
    with pytest.raises(AmountMissing):
        lines_of(terms_of(worth=worth), typed)


def test_the_goods_are_in_the_scope_of_the_coupon() -> None:
    by_sku = lines_of(terms_of(worth=CashOff(100), scope=GOODS), Typed(goods_fen=500))
    by_category = lines_of(
        terms_of(worth=CashOff(100), scope=Scope(categories=frozenset({"coffee"}))), Typed(goods_fen=500)
    )

    assert [(line.sku, line.amount_fen) for line in by_sku] == [("mocha", 500)]
    assert [(line.category, line.amount_fen) for line in by_category] == [("coffee", 500)]


@pytest.mark.parametrize("others_fen", [1, 1_999, 2_000, 2_001, 99_999])
def test_the_piece_stays_the_dearest_whatever_the_others_cost(others_fen: int) -> None:
    terms = terms_of(worth=FixedPrice(990), threshold_fen=100)

    lines = lines_of(terms, Typed(piece_fen=2_000, goods_fen=others_fen))

    assert Remainder(lines).take(terms.worth, range(len(lines))) == ((1, 1_010),)


@pytest.mark.parametrize(
    "scope",
    [
        GOODS,
        Scope(categories=frozenset({"coffee"})),
        Scope(excluded_skus=frozenset({"latte"})),
        Scope(excluded_categories=frozenset({"tea"})),
    ],
)
def test_what_holds_for_some_goods_alone_is_taken_alone(scope: Scope) -> None:
    terms, everywhere = terms_of(scope=scope), Scope(channels=frozenset({"pos"}), included_nodes=frozenset({1}))

    assert is_for_all_goods(terms_of(scope=everywhere))
    assert not is_for_all_goods(terms)
    with pytest.raises(CouponTakenAlone):
        check_chosen([terms_of(), terms], 100)


def test_the_amount_of_a_sale_is_asked_for_unless_nothing_depends_on_it() -> None:
    gift = terms_of(worth=Gift("咖啡"), threshold_fen=0)

    check_chosen([gift, gift], None)
    check_chosen([gift, terms_of()], 1)
    with pytest.raises(AmountMissing):
        check_chosen([gift, terms_of()], None)
