"""The form of earning rules: what stands in its fields, and what is said of a field that cannot be read."""

from itertools import product
from zoneinfo import ZoneInfo

import pytest

from loyalty.earning.rules import Definition, EarningEvent, PerAmount
from loyalty.earning.rules.checking import check_definition
from loyalty.earning.rules.errors import InvalidEarningRule
from loyalty.earning.rules.templates import TEMPLATES
from loyalty.kernel.errors import InvalidInput
from portal.console.earning_rule_fields import LABELS
from portal.console.earning_rule_form import definition_of, form_of, typed_of
from tests.earning.test_definitions import FULL, TODAY
from tests.support.bad_input import TEXTS

PURCHASE = EarningEvent.PURCHASE


class TestTheForm:
    @pytest.mark.parametrize("definition", [FULL, *(one.start(TODAY) for one in TEMPLATES.values())])
    def test_shows_every_definition_and_reads_it_back(self, definition: Definition) -> None:
        form = form_of(definition)

        assert definition_of(form, definition.event) == definition
        assert set(form) <= set(LABELS)

    @pytest.mark.parametrize(
        ("name", "text", "reason"),
        [
            ("points_value", "1.5", "积分数量须为整数"),
            ("points_value", "１２", "积分数量须为整数"),
            ("points_each", "1.234", "积分每满金额须为金额，如 1 或 10"),
            ("minimum_amount", "1e3", "最低金额须为金额，如 100 或 99.50"),
            ("month_days", "8,x", "会员日须为日期数字，如 8、18、28"),
            ("hours", "14-17", "时段须如 14:00-17:00，多个用顿号分开"),
            ("hours", "14:00-17:60", "时段须如 14:00-17:00，多个用顿号分开"),
            ("first_on", "2026-02-30", "开始日期须为日期，如 2026-03-10"),
            ("weekdays", "monday", "星期请从列表中选择"),
            ("birthday", "year", "生日请从列表中选择"),
            ("expiry_kind", "soon", "积分有效期请从列表中选择"),
        ],
    )
    def test_says_which_field_cannot_be_read_and_why(self, name: str, text: str, reason: str) -> None:
        form = {"points_kind": ["per_amount"], "points_value": ["1"], "points_each": ["1"], name: [text]}

        with pytest.raises(InvalidEarningRule) as refused:
            definition_of(form, PURCHASE)

        assert [problem.reason for problem in refused.value.problems] == [reason]

    def test_names_everything_that_cannot_be_read_at_once(self, zone: ZoneInfo) -> None:
        form = {"points_kind": ["fixed"], "points_value": ["x"], "starts_at": ["morgen"], "ends_at": ["1999-01-01"]}

        with pytest.raises(InvalidEarningRule) as refused:
            typed_of(form, PURCHASE, zone)

        assert {problem.field for problem in refused.value.problems} == {"points_value", "starts_at", "ends_at"}

    def test_reads_amounts_to_the_fen(self) -> None:
        form = {"points_kind": ["per_amount"], "points_value": ["1"], "points_each": ["¥1,234.5"]}

        assert definition_of(form, PURCHASE).points == PerAmount(1, 123_450)

    def test_is_broken_by_no_text(self, zone: ZoneInfo) -> None:
        whole = form_of(FULL)
        refused = 0
        for name, text in product(LABELS, TEXTS):
            try:
                check_definition(typed_of(whole | {name: [text]}, PURCHASE, zone).definition)
            except InvalidInput:
                refused += 1

        assert refused > len(LABELS)
