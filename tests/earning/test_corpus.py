"""Realistic rules and baskets, worked out by hand and told in Chinese: see ``corpus/rules.json``."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from loyalty.earning.rules import EarningEvent, EventFacts, FactLine, RuleRevision, evaluate
from loyalty.earning.rules.checking import check_definition
from loyalty.earning.rules.documents import from_json, to_json
from loyalty.earning.rules.explaining import explain
from loyalty.earning.rules.sentences import sentence
from loyalty.kernel.local_time import LocalTime

CASES: list[dict[str, Any]] = json.loads((Path(__file__).parent / "corpus" / "rules.json").read_text("utf-8"))
AT = datetime(2026, 1, 1, tzinfo=UTC)


def facts_of(basket: dict[str, Any]) -> EventFacts:
    hour, minute = map(int, basket.get("time", "10:00").split(":"))
    on = date.fromisoformat(basket.get("on", "2026-03-10"))
    return EventFacts(
        event=EarningEvent(basket.get("event", "purchase")),
        occurred_at=AT,
        local=LocalTime(on, hour * 60 + minute),
        member_id=7,
        store_id=basket.get("store"),
        region_id=basket.get("region"),
        channel=basket.get("channel"),
        tier_level=basket.get("tier", 1),
        tier_multiplier_bp=basket.get("tier_bp", 10_000),
        tags=frozenset(basket.get("tags", ())),
        is_first_purchase=basket.get("is_first", False),
        is_birthday=basket.get("is_birthday", False),
        is_birthday_month=basket.get("is_birthday_month", False),
        lines=tuple(FactLine(number, *line) for number, line in enumerate(basket.get("lines", ()), start=1)),
        custom_kind=basket.get("kind"),
    )


def revisions_of(case: dict[str, Any]) -> dict[str, RuleRevision]:
    return {
        name: RuleRevision(id=number, rule_id=number, number=1, name=name, definition=from_json(rule), starts_at=AT)
        for number, (name, rule) in enumerate(case["rules"].items(), start=1)
    }


@pytest.mark.parametrize("case", CASES, ids=[case["title"] for case in CASES])
def test_a_case_of_the_corpus_comes_out_as_worked_out_by_hand(case: dict[str, Any]) -> None:
    revisions = revisions_of(case)
    for name, rule in case["rules"].items():
        check_definition(revisions[name].definition)
        assert from_json(to_json(revisions[name].definition)) == from_json(rule)
        assert sentence(revisions[name].definition).endswith("。")
    room = {(revisions[name].id, limit): left for name, limit, left in case.get("room", ())}

    result = evaluate(revisions.values(), facts_of(case["basket"]), room=room)

    names = {revision.id: name for name, revision in revisions.items()}
    awards = {names[one.revision_id]: [one.points, one.growth] for one in result.awards}
    misses = {names[one.revision_id]: [one.reason, one.lacking, explain(one.explanation)] for one in result.misses}
    told = {names[one.revision_id]: explain(one.explanation) for one in result.awards}
    assert (awards, misses) == (case["awards"], case.get("misses", {})), case["worked"]
    assert told | case.get("told", {}) == told


def test_the_corpus_holds_forty_rules_at_least() -> None:
    rules = {json.dumps([name, rule]) for case in CASES for name, rule in case["rules"].items()}

    assert len(rules) >= 40
