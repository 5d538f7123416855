"""The builder's form: what it shows reads back as the same condition, and what is wrong is told where it is."""

from datetime import date

import pytest

from loyalty.segments.rules import fact_types as types
from loyalty.segments.rules.conditions import DEPTH_MAX, EVERYBODY, All, AnyOf, Condition, Not, parse
from loyalty.segments.rules.facts import FACTS
from loyalty.segments.rules.fields import Field, FieldKind
from portal.console.condition_edits import NUMBER_MAX, edited
from portal.console.condition_form import condition_from_form, form_from_condition, problems_of
from portal.console.form_fields import Form
from portal.console.forms import InvalidField

GOLD = types.Tier(frozenset({3}))
ONE_OF_A_KIND: dict[FieldKind, object] = {
    FieldKind.DAYS: 7,
    FieldKind.COUNT: 3,
    FieldKind.POINTS: 50,
    FieldKind.FEN: 1_250,
    FieldKind.DATE: date(2026, 3, 10),
    FieldKind.FLAG: False,
    FieldKind.MONTHS: frozenset({2, 12}),
    FieldKind.LEVELS: frozenset({3}),
    FieldKind.STORES: frozenset({5, 40}),
    FieldKind.TAGS: frozenset({1}),
    FieldKind.TEMPLATES: frozenset({9}),
    FieldKind.CAMPAIGN: 4,
    FieldKind.CODES: frozenset({"tea", "coffee"}),
    FieldKind.APPIDS: frozenset({"wx5a0db7a000000001"}),
}


def _one(field: Field) -> object:
    """A value that the field holds, other than what it begins with."""
    if field.word is not None:
        last = list(field.word)[-1]
        return last if field.kind is FieldKind.CHOICE else frozenset({last})
    return ONE_OF_A_KIND[field.kind]


def read(form: Form) -> Condition:
    return parse(condition_from_form(form))


def told(form: Form) -> dict[str, str]:
    return {problem.field: problem.reason for problem in problems_of(form)}


def build(*edits: tuple[str, str]) -> dict[str, list[str]]:
    """The form after some edits of an empty one; a fact is chosen beside the button that adds it."""
    form = form_from_condition(EVERYBODY)
    for edit, chosen in edits:
        form = edited(form | {f"{edit.partition(':')[2]}.new": [chosen]}, edit).form
    return form


class TestShowingAndReading:
    @pytest.mark.parametrize("name", FACTS)
    def test_every_fact_comes_back_as_it_was(self, name: str) -> None:
        fields = FACTS[name].fields
        fact = FACTS[name].made(**{field.name: _one(field) for field in fields})

        assert read(form_from_condition(All((fact,)))) == All((fact,))

    @pytest.mark.parametrize("name", FACTS)
    def test_every_fact_may_be_left_with_what_nobody_need_fill_in(self, name: str) -> None:
        definition = FACTS[name]
        given = {one.name: _one(one) for one in definition.fields if one.is_required or one.name in definition.needed}
        fact = definition.made(**given)

        assert read(form_from_condition(All((fact,)))) == All((fact,))

    def test_groups_and_their_opposites_come_back_in_their_order(self) -> None:
        twelve = tuple(types.Balance(least=number) for number in range(12))
        condition = Not(AnyOf((GOLD, Not(All((GOLD, types.HasBirthday()))), All(twelve))))

        assert read(form_from_condition(condition)) == condition

    @pytest.mark.parametrize(
        ("condition", "same"),
        [(GOLD, All((GOLD,))), (Not(GOLD), All((Not(GOLD),))), (Not(Not(AnyOf((GOLD,)))), AnyOf((GOLD,)))],
    )
    def test_a_single_fact_stands_in_a_group(self, condition: Condition, same: Condition) -> None:
        assert read(form_from_condition(condition)) == same

    def test_a_form_that_was_never_filled_in_means_everybody(self) -> None:
        assert read({}) == read(form_from_condition(EVERYBODY)) == EVERYBODY


class TestEditing:
    @pytest.mark.parametrize("name", FACTS)
    def test_a_new_row_says_what_its_fact_begins_with_or_what_is_still_missing(self, name: str) -> None:
        form = build(("add:c", name))

        if not problems_of(form):
            assert read(form) == All((parse(FACTS[name].initial),))
        assert set(told(form)) <= {f"c-1.{field.name}" for field in FACTS[name].fields} | {"c-1"}

    def test_groups_nest_and_what_was_typed_stays(self) -> None:
        form = build(("add:c", "balance"), ("group:c", ""), ("add:c-2", "has_birthday"), ("add:c-2", "never_bought"))
        form["c-1.least"] = ["500"]

        form = edited(form, "remove:c-2-1").form

        assert read(form) == All((types.Balance(least=500), AnyOf((types.NeverBought(),))))

    def test_a_removed_row_leaves_its_neighbours_whatever_their_numbers(self) -> None:
        form = build(*[("add:c", "balance")] * 11)
        assert len(FACTS["balance"].fields) * 10 == sum(
            name.endswith(("least", "most")) for name in edited(form, "remove:c-1").form
        )

    def test_nothing_chosen_adds_nothing(self) -> None:
        assert read(build(("add:c", ""))) == EVERYBODY

    @pytest.mark.parametrize(
        "edit",
        ["", "add", "add:", "add:c-9", "add:c-1", "remove:c", "remove:d", "group:c-1", "explode:c", "add:c" * 99],
    )
    def test_what_no_button_asks_for_is_refused(self, edit: str) -> None:
        with pytest.raises(InvalidField):
            edited(build(("add:c", "balance")) | {"c.new": ["unheard_of"]}, edit)

    def test_rows_beyond_every_number_are_refused(self) -> None:
        form = {"c.join": ["all"], "c.not": ["no"], f"c-{NUMBER_MAX}.fact": ["balance"], f"c-{NUMBER_MAX}.not": ["no"]}

        with pytest.raises(InvalidField):
            edited(form, "group:c")


class TestProblems:
    def test_are_told_for_every_row_at_its_field(self) -> None:
        form = build(
            ("add:c", "balance"), ("add:c", "enrolled_store"), ("add:c", "enrolled"), ("group:c", ""), ("add:c", "tier")
        )  # fmt: skip
        form |= {"c-1.least": ["many"], "c-3.first_on": ["2026-03-10"], "c-3.last_on": ["2026-03-09"]}

        assert told(form) == {
            "c-1.least": "不少于须为整数",
            "c-2.store_ids": "请选择门店",
            "c-3.last_on": "上限不能小于下限",
            "c-4": "请在这一组里添加条件，或删除这一组",
            "c-5.levels": "请选择等级",
        }

    @pytest.mark.parametrize(
        ("fact", "field", "text", "reason"),
        [
            ("money", "least_fen", "十元", "不少于须为金额，如 20 或 9.90"),
            ("money", "within_days", "0", "最近（不填为全部时间）须为 1–3660"),
            ("enrolled", "first_on", "3 月", "从须为日期，如 2026-03-10"),
            ("bought_through", "channels", "x" * 65, "渠道须为 1–64 个字符，首尾没有空格，不含逗号、顿号和分号"),
            ("has_birthday", "is_given", "maybe", "已填写请从列表中选择"),
            ("tier", "levels", "gold", "等级请从列表中选择"),
            ("reachable", "ways", "carrier_pigeon", "须为以下之一：subscription、customer、template、inbox"),
            ("campaign", "campaign_id", "", "请填写活动"),
        ],
    )
    def test_say_what_a_field_should_hold(self, fact: str, field: str, text: str, reason: str) -> None:
        form = build(("add:c", fact)) | {f"c-1.{field}": [text]}

        assert told(form)[f"c-1.{field}"] == reason

    def test_of_the_whole_are_told_at_its_part(self) -> None:
        form = form_from_condition(AnyOf((GOLD, _nested(DEPTH_MAX))))
        deep = "c-2" + "-1" * (DEPTH_MAX - 1)

        assert told(form) == {deep: f"条件最多嵌套 {DEPTH_MAX} 层"}
        assert told(form_from_condition(All((GOLD,) * 31))) == {"c": "条件最多 30 个"}

    @pytest.mark.parametrize(
        "change",
        [
            {"c-1.fact": ["unheard_of"]},
            {"c-1.not": ["maybe"]},
            {"c-2.least": ["1"]},
            {"c-2.not": ["no"]},
            {"c.join": ["none"]},
            {"c-7-1.fact": ["balance"], "c-7-1.not": ["no"]},
            {"c-1-1.fact": ["balance"], "c-1-1.not": ["no"]},
            {f"c-{number}.fact": ["balance"] for number in range(2, 200)},
        ],
    )
    def test_a_tree_that_no_page_offers_is_refused_whole(self, change: dict[str, list[str]]) -> None:
        """Passing a part over would find more members than were meant."""
        with pytest.raises(InvalidField):
            problems_of(build(("add:c", "balance")) | change)


def _nested(depth: int) -> Condition:
    return GOLD if depth == 1 else AnyOf((_nested(depth - 1),))
