"""Terms: kept and read back exactly, and refused where no coupon could do what they say."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.channels.rules.inducement import ValueForFollowingOrSharing
from loyalty.coupons.rules.checking import check_terms
from loyalty.coupons.rules.documents import from_json, to_json
from loyalty.coupons.rules.errors import InvalidCouponTerms
from loyalty.coupons.rules.pricing import Offer
from loyalty.coupons.rules.samples import sample_of
from loyalty.coupons.rules.sentences import details, headline
from loyalty.coupons.rules.terms import (
    BonusStep,
    CashOff,
    DaysFromIssue,
    FixedDates,
    FixedPrice,
    Gift,
    PercentOff,
    Scope,
    Terms,
    Windows,
    Worth,
)
from loyalty.kernel.local_time import Hours
from tests.coupons.baskets import quote
from tests.coupons.samples import FREE_TEA, FULL, PLAIN

LAPSES_AT = datetime(2026, 3, 31, 16, 0, tzinfo=UTC)


def with_part(terms: Terms, part: str, **changes: Any) -> Terms:
    changed: Any = {part: replace(getattr(terms, part), **changes)}
    return replace(terms, **changed)


def problems_of(terms: Terms) -> set[str]:
    try:
        check_terms(terms)
    except InvalidCouponTerms as error:
        return {problem.field for problem in error.problems}
    return set()


class TestDocuments:
    @pytest.mark.parametrize("terms", [PLAIN, FULL, FREE_TEA, with_part(PLAIN, "member_limits", total=None)])
    def test_are_read_back_exactly(self, terms: Terms) -> None:
        assert from_json(to_json(terms)) == terms

    def test_hold_only_what_differs_from_the_empty_template(self) -> None:
        assert to_json(PLAIN) == {
            "title": "新人券",
            "worth": {"kind": "cash_off", "amount_fen": 2_000},
            "validity": {"kind": "days_from_issue", "days": 7},
            "threshold_fen": 10_000,
        }

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"surprise": 1}, "terms.surprise"),
            ({"title": None}, "terms.title"),
            ({"title": 5}, "terms.title"),
            ({"worth": {"kind": "miracle"}}, "terms.worth.kind"),
            ({"worth": "cash_off"}, "terms.worth.kind"),
            ({"worth": {"kind": "cash_off"}}, "terms.worth.amount_fen"),
            ({"worth": {"kind": "cash_off", "amount_fen": 1.5}}, "terms.worth.amount_fen"),
            ({"worth": {"kind": "cash_off", "amount_fen": True}}, "terms.worth.amount_fen"),
            ({"worth": {"kind": "gift", "name": "茶", "price": 1}}, "terms.worth.price"),
            (
                {"validity": {"kind": "fixed_dates", "first_on": "2026-02-30", "last_on": "x"}},
                "terms.validity.first_on",
            ),
            ({"scope": {"skus": "A1"}}, "terms.scope.skus"),
            ({"scope": {"skus": [1]}}, "terms.scope.skus"),
            ({"scope": []}, "terms.scope"),
            ({"windows": {"hours": [[1, 2, 3]]}}, "terms.windows.hours"),
            ({"claiming": {"opens_at": "2026-03-01T10:00:00"}}, "terms.claiming.opens_at"),
            ({"claiming": {"opens_at": "soon"}}, "terms.claiming.opens_at"),
            ({"claiming": {"is_in_centre": 1}}, "terms.claiming.is_in_centre"),
            ({"refund": "maybe"}, "terms.refund"),
            ({"refund": []}, "terms.refund"),
            ({"bonus": {"3": 100}}, "terms.bonus"),
        ],
    )
    def test_that_say_something_else_are_refused_by_name(self, changes: dict[str, Any], field: str) -> None:
        with pytest.raises(InvalidCouponTerms) as refused:
            from_json(to_json(PLAIN) | changes)

        assert [problem.field for problem in refused.value.problems] == [field]

    @pytest.mark.parametrize("document", [None, [], "terms", {}, {"title": "券"}])
    def test_that_are_none_are_refused(self, document: object) -> None:
        with pytest.raises(InvalidCouponTerms):
            from_json(document)


class TestChecking:
    @pytest.mark.parametrize("terms", [PLAIN, FULL, FREE_TEA])
    def test_lets_pass_what_can_be_used(self, terms: Terms) -> None:
        assert problems_of(terms) == set()

    @pytest.mark.parametrize(
        ("terms", "fields"),
        [
            (replace(PLAIN, title=""), {"title"}),
            (replace(PLAIN, title="长" * 21), {"title"}),
            (replace(PLAIN, title=" 券"), {"title"}),
            (replace(PLAIN, title="券\0"), {"title"}),
            (replace(PLAIN, description="\ud800"), {"description"}),
            (replace(PLAIN, description="长" * 1_001), {"description"}),
            (replace(PLAIN, picture="../../etc"), {"picture"}),
            (replace(PLAIN, threshold_fen=-1), {"threshold_fen"}),
            (replace(PLAIN, threshold_fen=10**11), {"threshold_fen"}),
            (replace(PLAIN, worth=CashOff(0)), {"amount_fen"}),
            (replace(PLAIN, worth=CashOff(10_001)), {"amount_fen"}),
            (replace(PLAIN, worth=PercentOff(0)), {"percent"}),
            (replace(PLAIN, worth=PercentOff(100)), {"percent"}),
            (replace(PLAIN, worth=PercentOff(10, 0)), {"ceiling_fen"}),
            (replace(PLAIN, worth=FixedPrice(990)), {"skus"}),
            (replace(PLAIN, worth=FixedPrice(0), scope=Scope(skus=frozenset({"A"}))), {"price_fen"}),
            (replace(PLAIN, worth=Gift("")), {"gift_name"}),
            (with_part(PLAIN, "scope", skus=frozenset({"A,B"})), {"skus"}),
            (with_part(PLAIN, "scope", skus=frozenset({"A"}), excluded_skus=frozenset({"A"})), {"excluded_skus"}),
            (with_part(PLAIN, "scope", included_nodes=frozenset({0})), {"included_nodes"}),
            (with_part(PLAIN, "scope", channels=frozenset(map(str, range(501)))), {"channels"}),
            (replace(PLAIN, validity=FixedDates(date(2026, 3, 2), date(2026, 3, 1))), {"last_on"}),
            (replace(PLAIN, validity=FixedDates(date(2026, 3, 2), date(2200, 1, 1))), {"last_on"}),
            (replace(PLAIN, validity=DaysFromIssue(0)), {"days"}),
            (replace(PLAIN, validity=DaysFromIssue(10**9)), {"days"}),
            (replace(PLAIN, validity=DaysFromIssue(1, -1)), {"delay_days"}),
            (with_part(PLAIN, "windows", weekdays=frozenset({8})), {"weekdays"}),
            (with_part(PLAIN, "windows", hours=(Hours(60, 60),)), {"hours"}),
            (with_part(PLAIN, "windows", hours=(Hours(0, 1_441),)), {"hours"}),
            (with_part(PLAIN, "stock", per_day=0), {"stock_per_day"}),
            (with_part(PLAIN, "stock", per_store=0), {"stock_per_store"}),
            (with_part(PLAIN, "member_limits", total=0), {"member_total"}),
            (with_part(PLAIN, "member_limits", per_day=2), {"member_per_day"}),
            (with_part(PLAIN, "eligibility", tier_levels=frozenset({21})), {"tier_levels"}),
            (with_part(PLAIN, "eligibility", tags=frozenset({0})), {"tags"}),
            (with_part(PLAIN, "claiming", points_price=-1), {"points_price"}),
            (with_part(FULL, "claiming", closes_at=datetime(2026, 3, 1, 2, 0, tzinfo=UTC)), {"closes_at"}),
            (with_part(PLAIN, "stacking", group="甲"), {"group"}),
            (replace(PLAIN, bonus=(BonusStep(3, 100), BonusStep(3, 50))), {"bonus"}),
            (replace(PLAIN, bonus=(BonusStep(1, 100), BonusStep(3, 100))), {"bonus"}),
            (replace(PLAIN, bonus=(BonusStep(8, 100),)), {"bonus"}),
            (replace(PLAIN, bonus=(BonusStep(1, 0),)), {"bonus"}),
            (replace(PLAIN, bonus=tuple(BonusStep(day, 10 - day) for day in range(1, 7))), {"bonus"}),
            (with_part(PLAIN, "windows", hours=tuple(Hours(start, 60) for start in range(11))), {"hours"}),
            (with_part(FULL, "stacking", group="甲，乙"), {"group"}),
            (replace(PLAIN, refund_grace_days=-1), {"refund_grace_days"}),
            (replace(PLAIN, reminder_days=0), {"reminder_days"}),
            (replace(PLAIN, title="", worth=CashOff(0)), {"title", "amount_fen"}),
        ],
    )
    def test_names_everything_that_is_wrong(self, terms: Terms, fields: set[str]) -> None:
        assert problems_of(terms) == fields

    @pytest.mark.parametrize(
        ("validity", "weekdays", "fields"),
        [
            (DaysFromIssue(6), {1}, {"weekdays"}),
            (DaysFromIssue(7), {1}, set()),
            (DaysFromIssue(5), {1, 4}, set()),
            (DaysFromIssue(3), {1, 4}, {"weekdays"}),
            (FixedDates(date(2026, 3, 9), date(2026, 3, 13)), {6, 7}, {"weekdays"}),
            (FixedDates(date(2026, 3, 9), date(2026, 3, 14)), {6, 7}, set()),
        ],
    )
    def test_refuses_coupons_of_which_some_could_never_be_used(
        self, validity: Any, weekdays: set[int], fields: set[str]
    ) -> None:
        assert problems_of(replace(PLAIN, validity=validity, windows=Windows(weekdays=frozenset(weekdays)))) == fields

    @pytest.mark.parametrize(
        ("name", "moment", "fields"),
        [
            ("opens_at", datetime(2026, 4, 1, 12, 0, tzinfo=UTC), {"opens_at"}),
            ("closes_at", datetime(2026, 4, 1, 12, 1, tzinfo=UTC), {"closes_at"}),
            ("closes_at", datetime(2026, 3, 31, 15, 59, tzinfo=UTC), set()),
        ],
    )
    def test_refuses_claims_of_what_has_lapsed(self, name: str, moment: datetime, fields: set[str]) -> None:
        claiming: Any = {"opens_at": None, "closes_at": None} | {name: moment}

        assert problems_of(with_part(FULL, "claiming", **claiming)) == fields

    @pytest.mark.parametrize(
        "terms",
        [
            replace(PLAIN, title="关注公众号即送"),
            replace(PLAIN, description="转发朋友圈后可领取一张"),
            replace(PLAIN, description="使用前请先关注"),
            replace(PLAIN, description="关注公众号后\n即可领取"),
            replace(FREE_TEA, worth=Gift("分享好友得茶一杯")),
            with_part(PLAIN, "stacking", is_exclusive=False, group="shared"),
        ],
    )
    def test_refuses_to_pay_for_following_or_sharing(self, terms: Terms) -> None:
        with pytest.raises(ValueForFollowingOrSharing):
            check_terms(terms)

    def test_lets_a_family_pack_be_given(self) -> None:
        assert problems_of(replace(FREE_TEA, worth=Gift("分享装薯片"), description="分享装满 50 元赠送")) == set()

    worths = st.one_of(
        st.builds(CashOff, st.integers(-1, 300)),
        st.builds(PercentOff, st.integers(-1, 101), st.one_of(st.none(), st.integers(0, 300))),
        st.builds(FixedPrice, st.integers(0, 300)),
        st.just(Gift("茶")),
    )
    days = st.integers(1, 28).map(lambda day: date(2026, 2, day))
    codes = st.frozensets(st.sampled_from(["A", "B"]), max_size=2)

    @given(
        worth=worths,
        validity=st.one_of(
            st.builds(DaysFromIssue, st.integers(0, 9), st.integers(0, 2)), st.builds(FixedDates, days, days)
        ),
        threshold_fen=st.integers(0, 300),
        scope=st.builds(Scope, skus=codes, categories=codes, excluded_skus=codes, excluded_categories=codes),
        windows=st.builds(
            Windows,
            weekdays=st.frozensets(st.integers(1, 7), max_size=3),
            hours=st.lists(st.builds(Hours, st.integers(0, 1_439), st.integers(0, 1_440)), max_size=2).map(tuple),
        ),
    )
    def test_whatever_passes_pays_for_some_basket_and_is_told_in_words(
        self, worth: Worth, validity: Any, threshold_fen: int, scope: Scope, windows: Windows
    ) -> None:
        terms = Terms(
            title="券", worth=worth, validity=validity, threshold_fen=threshold_fen, scope=scope, windows=windows
        )
        assert from_json(to_json(terms)) == terms

        if not problems_of(terms):
            assert quote(Offer(1, terms, LAPSES_AT), sample_of(terms)).reason is None
            assert headline(terms)
            assert all(details(terms))
