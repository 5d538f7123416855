"""Documents of conditions: read strictly, written back the same, and told in Chinese for every fact."""

from typing import Any

import pytest

from loyalty.segments.rules.conditions import DEPTH_MAX, EVERYBODY, FACTS_MAX, dump, parse
from loyalty.segments.rules.errors import InvalidSegment
from loyalty.segments.rules.facts import FACTS, FactDefinition
from loyalty.segments.rules.fields import Field, FieldKind
from loyalty.segments.rules.sentences import Names, sentence
from loyalty.segments.sources import _SOURCES

_VALUES: dict[FieldKind, Any] = {
    FieldKind.DATE: "2026-01-31",
    FieldKind.FLAG: False,
    FieldKind.CODES: ["tea"],
    FieldKind.APPIDS: ["wx1"],
    FieldKind.CAMPAIGN: 9,
}
_LISTS = (FieldKind.MONTHS, FieldKind.LEVELS, FieldKind.STORES, FieldKind.TAGS, FieldKind.TEMPLATES)


def _value(field: Field) -> Any:
    if field.choices is not None:
        return list(field.choices) if field.kind is FieldKind.CHOICES else list(field.choices)[-1]
    return [2, 3] if field.kind in _LISTS else _VALUES.get(field.kind, 7)


def _document(fact: FactDefinition) -> dict[str, Any]:
    return {"fact": fact.name} | {field.name: _value(field) for field in fact.fields}


@pytest.mark.parametrize("fact", FACTS.values(), ids=FACTS)
def test_a_fact_with_all_its_fields_reads_writes_and_is_told(fact: FactDefinition) -> None:
    condition = parse(_document(fact))

    assert parse(dump(condition)) == condition
    assert dump(condition)["fact"] == fact.name
    assert len(sentence(condition, Names())) > 3
    assert fact.made in _SOURCES


@pytest.mark.parametrize("fact", FACTS.values(), ids=FACTS)
def test_what_the_builder_begins_with_lacks_at_most_what_has_to_be_chosen(fact: FactDefinition) -> None:
    chosen = {field.name: _value(field) for field in fact.fields if field.is_required or field.name in fact.one_of}

    assert parse(fact.initial | chosen)


@pytest.mark.parametrize(
    ("document", "path"),
    [
        (3, "condition"),
        ({}, "condition"),
        ({"all": [], "any": []}, "condition"),
        ({"all": {}}, "condition.all"),
        ({"any": []}, "condition.any"),
        ({"all": [{"not": {"fact": "luck"}}]}, "condition.all[0].not.fact"),
        ({"fact": []}, "condition.fact"),
        ({"fact": "tier"}, "condition.levels"),
        ({"fact": "tier", "levels": []}, "condition.levels"),
        ({"fact": "tier", "levels": [0]}, "condition.levels"),
        ({"fact": "tier", "levels": [True]}, "condition.levels"),
        ({"fact": "balance"}, "condition"),
        ({"fact": "balance", "least": 2, "most": 1}, "condition.most"),
        ({"fact": "balance", "least": -1}, "condition.least"),
        ({"fact": "balance", "least": 10**12}, "condition.least"),
        ({"fact": "balance", "least": 1, "leest": 1}, "condition.leest"),
        ({"fact": "frequency", "within_days": 0, "least": 1}, "condition.within_days"),
        ({"fact": "enrolled", "first_on": "31.1.2026"}, "condition.first_on"),
        ({"fact": "birthday_month", "months": [13]}, "condition.months"),
        ({"fact": "bought_goods", "within_days": 3}, "condition"),
        ({"fact": "bought_goods", "skus": ["a,b"]}, "condition.skus"),
        ({"fact": "reachable", "ways": ["pigeon"]}, "condition.ways"),
        ({"fact": "tags", "tag_ids": [1], "match": "some"}, "condition.match"),
        ({"all": [{"fact": "never_bought"}] * (FACTS_MAX + 1)}, "condition"),
    ],
)
def test_what_makes_no_sense_is_refused_at_its_place(document: object, path: str) -> None:
    with pytest.raises(InvalidSegment) as refused:
        parse(document)

    assert refused.value.path == path
    assert refused.value.reason


def test_conditions_nest_only_so_deep() -> None:
    document: dict[str, Any] = {"fact": "never_bought"}
    for _ in range(DEPTH_MAX - 1):
        document = {"not": document}
    parse(document)

    with pytest.raises(InvalidSegment):
        parse({"not": document})


def test_what_a_form_left_empty_asks_nothing() -> None:
    assert dump(parse({"fact": "balance", "least": 5, "most": None})) == {"fact": "balance", "least": 5}


def test_a_condition_reads_as_a_marketer_would_say_it() -> None:
    condition = parse(
        {
            "all": [
                {"fact": "recency", "days_least": 90},
                {"any": [{"fact": "tier", "levels": [3]}, {"fact": "money", "within_days": 365, "least_fen": 100_000}]},
                {"not": {"fact": "tags", "tag_ids": [1]}},
            ]
        }
    )

    told = sentence(condition, Names(levels={3: "金卡会员"}, tags={1: "员工"}))

    assert told == (
        "上次消费距今至少 90 天，且（等级：金卡会员，或最近 365 天消费金额不少于 ¥1,000.00），"
        "且不满足（有任一标签：员工）"
    )
    assert sentence(EVERYBODY, Names()) == "全部会员"
