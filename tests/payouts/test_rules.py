"""Pure rules of payouts: tax, settings, what follows what."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.channels.rules.inducement import ValueForFollowingOrSharing
from loyalty.payouts.rules.errors import InvalidPayoutSettings
from loyalty.payouts.rules.settings import PayoutProgramme, TransferScene, check_programme, check_scene
from loyalty.payouts.rules.states import FINAL, NEXT, PayoutState, Standing, Step, next_step
from loyalty.payouts.rules.tax import Bracket, IncomeSoFar, TaxPeriod, TaxTable, check_table, table_of, tax_of

LABOUR = TaxTable(
    TaxPeriod.PAYMENT,
    (Bracket(2_000_000, 20), Bracket(5_000_000, 30, 200_000), Bracket(None, 40, 700_000)),
    small_up_to_fen=400_000,
    small_deduction_fen=80_000,
    deduction_percent=20,
)
CUMULATIVE = TaxTable(
    TaxPeriod.YEAR,
    (Bracket(3_600_000, 3), Bracket(14_400_000, 10, 252_000), Bracket(None, 20, 1_692_000)),
    deduction_percent=20,
    monthly_allowance_fen=500_000,
)


class TestTax:
    @pytest.mark.parametrize(
        ("gross_fen", "tax_fen"),
        [
            (80_000, 0),
            (80_001, 0),
            (100_000, 4_000),
            (400_000, 64_000),
            (400_001, 64_000),
            (1_000_000, 160_000),
            (2_500_000, 400_000),
            (3_000_000, 520_000),
            (10_000_000, 2_500_000),
        ],
    )
    def test_of_one_payment_is_that_of_the_published_table(self, gross_fen: int, tax_fen: int) -> None:
        assert tax_of(LABOUR, gross_fen=gross_fen, before=IncomeSoFar(9_999_999, 5, 3)) == tax_fen

    def test_by_the_cumulative_method_counts_the_months_and_what_was_withheld(self) -> None:
        january = tax_of(CUMULATIVE, gross_fen=1_000_000, before=IncomeSoFar())
        march = tax_of(CUMULATIVE, gross_fen=4_000_000, before=IncomeSoFar(1_000_000, january, 3))

        assert january == 9_000
        assert march == (5_000_000 * 80 // 100 - 1_500_000) * 3 // 100 - january

    @given(
        st.integers(1, 10**9),
        st.builds(IncomeSoFar, st.integers(0, 10**9), st.integers(0, 10**8), st.integers(1, 12)),
        st.sampled_from([LABOUR, CUMULATIVE]),
    )
    def test_is_never_negative_nor_more_than_the_payout(
        self, gross_fen: int, before: IncomeSoFar, table: TaxTable
    ) -> None:
        assert 0 <= tax_of(table, gross_fen=gross_fen, before=before) <= gross_fen

    def test_tables_survive_storing(self) -> None:
        assert [table_of(table.to_json()) for table in (LABOUR, CUMULATIVE)] == [LABOUR, CUMULATIVE]

    @pytest.mark.parametrize(
        "table",
        [
            TaxTable(TaxPeriod.PAYMENT, ()),
            TaxTable(TaxPeriod.PAYMENT, (Bracket(100, 20),)),
            TaxTable(TaxPeriod.PAYMENT, (Bracket(100, 20), Bracket(100, 30), Bracket(None, 40))),
            TaxTable(TaxPeriod.PAYMENT, (Bracket(None, 20), Bracket(None, 30))),
            TaxTable(TaxPeriod.PAYMENT, (Bracket(None, 101),)),
            TaxTable(TaxPeriod.PAYMENT, (Bracket(None, 20),), small_deduction_fen=-1),
        ],
    )
    def test_tables_that_could_not_be_reckoned_are_refused(self, table: TaxTable) -> None:
        with pytest.raises(InvalidPayoutSettings):
            check_table(table)

    @pytest.mark.parametrize("data", [{}, {"period": "x", "brackets": []}, {"period": "month", "brackets": [1]}])
    def test_stored_nonsense_is_refused(self, data: dict[str, object]) -> None:
        with pytest.raises(InvalidPayoutSettings):
            table_of(data)


class TestSettings:
    @pytest.mark.parametrize(
        "changes",
        [
            {"minimum_fen": 9},
            {"member_day_fen": 50},
            {"day_fen": 100},
            {"approval_above_fen": -1},
            {"points_per_yuan": -1},
            {"batch_day": 29},
        ],
    )
    def test_under_which_nothing_or_anything_could_be_paid_are_refused(self, changes: dict[str, int]) -> None:
        check_programme(PayoutProgramme())

        with pytest.raises(InvalidPayoutSettings):
            check_programme(PayoutProgramme(**changes))  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        "scene",
        [
            TransferScene("10051", "r", None, (("a", "b"),)),
            TransferScene("1005", "", None, (("a", "b"),)),
            TransferScene("1005", "长" * 33, None, (("a", "b"),)),
            TransferScene("1005", "r", None, ()),
            TransferScene("1005", "r", None, (("a", "b"), ("a", "c"))),
            TransferScene("1005", "r", None, (("a", ""),)),
        ],
    )
    def test_scene_words_that_wechat_pay_refuses_are_refused(self, scene: TransferScene) -> None:
        with pytest.raises(InvalidPayoutSettings):
            check_scene(scene)

    def test_scene_words_that_tell_of_money_for_sharing_are_refused(self) -> None:
        with pytest.raises(ValueForFollowingOrSharing):
            check_scene(TransferScene("1005", "佣金结算", None, (("岗位类型", "推广员"), ("报酬说明", "转发奖励"))))


class TestSteps:
    def test_nothing_follows_an_end(self) -> None:
        assert all(NEXT[state] == frozenset() for state in FINAL)
        assert all(state not in NEXT[state] for state in PayoutState)

    @given(st.builds(Standing, st.sampled_from(PayoutState), st.booleans(), st.booleans(), st.booleans()))
    def test_a_create_follows_only_where_nothing_was_sent_or_a_query_has_cleared_it(self, standing: Standing) -> None:
        if next_step(standing) is Step.SEND:
            assert standing.state is PayoutState.NEW or standing.is_cleared
