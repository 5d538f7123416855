"""What holds of every evaluation, whatever the rules and the basket."""

from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from loyalty.earning.rules import (
    Conditions,
    Definition,
    EarningEvent,
    EventFacts,
    FactLine,
    Fixed,
    Multiple,
    PerAmount,
    Rounding,
    RuleRevision,
    Stacking,
    evaluate,
)
from loyalty.earning.rules.documents import from_json, to_json
from tests.factories.earning import facts_of, revisions_of

PURCHASE = EarningEvent.PURCHASE
roundings = st.sampled_from(Rounding)
codes = st.frozensets(st.sampled_from(["A1", "A2", "B1"]), max_size=2)
rewards = st.one_of(
    st.builds(PerAmount, st.integers(1, 20), st.integers(1, 20_000), roundings),
    st.builds(Fixed, st.integers(1, 500)),
    st.builds(Multiple, st.integers(10_100, 60_000), roundings),
)
conditions = st.builds(
    Conditions,
    minimum_amount_fen=st.sampled_from([0, 0, 5_000, 20_000]),
    minimum_quantity=st.sampled_from([0, 0, 2]),
    skus=codes,
    tier_levels=st.frozensets(st.integers(1, 3), max_size=2),
)


def definitions(groups: st.SearchStrategy[str | None]) -> st.SearchStrategy[Definition]:
    stacking = st.builds(Stacking, group=groups, priority=st.integers(0, 2))
    return st.builds(Definition, event=st.just(PURCHASE), points=rewards, conditions=conditions, stacking=stacking)


rule_books = st.lists(definitions(st.sampled_from([None, "甲", "乙"])), min_size=1, max_size=6)
lines = st.lists(
    st.builds(
        FactLine,
        line_number=st.just(0),
        sku=st.sampled_from(["A1", "A2", "B1"]),
        category=st.just(""),
        quantity=st.integers(1, 3),
        amount_fen=st.integers(0, 50_000),
    ),
    max_size=4,
).map(lambda found: tuple(replace(line, line_number=number) for number, line in enumerate(found, start=1)))
events = st.builds(
    lambda bought, tier, multiplier: facts_of(lines=bought, tier_level=tier, tier_multiplier_bp=multiplier),
    lines,
    st.integers(1, 3),
    st.sampled_from([10_000, 12_500, 15_000]),
)


@given(rule_books, events, st.randoms())
def test_the_order_in_which_revisions_come_changes_nothing(
    rules: list[Definition], facts: EventFacts, random: Random
) -> None:
    revisions = list(revisions_of(*rules))
    shuffled = random.sample(revisions, len(revisions))

    assert evaluate(shuffled, facts) == evaluate(revisions, facts)


@given(rule_books, events)
def test_every_rule_of_the_event_either_pays_or_says_why_not(rules: list[Definition], facts: EventFacts) -> None:
    revisions = revisions_of(*rules)

    result = evaluate(revisions, facts)

    told = [one.revision_id for one in (*result.awards, *result.misses)]
    assert sorted(told) == [revision.id for revision in revisions]


@given(st.lists(definitions(st.none()), min_size=1, max_size=5), events, st.integers(0, 3), st.integers(1, 30_000))
def test_whoever_buys_more_never_earns_less(
    rules: list[Definition], facts: EventFacts, index: int, more_fen: int
) -> None:
    if not facts.lines:
        return
    grown = list(facts.lines)
    chosen = grown[index % len(grown)]
    grown[index % len(grown)] = replace(chosen, amount_fen=chosen.amount_fen + more_fen)
    revisions = revisions_of(*rules)

    assert evaluate(revisions, replace(facts, lines=tuple(grown))).points >= evaluate(revisions, facts).points


@given(rule_books, events, st.dictionaries(st.sampled_from(["member_day", "rule_budget"]), st.integers(0, 300)))
def test_no_award_passes_what_is_left_of_any_limit(
    rules: list[Definition], facts: EventFacts, left: dict[str, int]
) -> None:
    revisions = revisions_of(*rules)
    room = {(revision.id, name): points for revision in revisions for name, points in left.items()}
    free = {award.revision_id: award for award in evaluate(revisions, facts).awards}

    for award in evaluate(revisions, facts, room=room).awards:
        assert award.points == min([free[award.revision_id].points, *left.values()])
        assert (award.capped_by is None) == (award.points == free[award.revision_id].points)


@given(rule_books, events, st.dictionaries(st.tuples(st.integers(1, 6), st.just("member_day")), st.integers(0, 300)))
def test_stored_inputs_give_the_same_result_again(
    rules: list[Definition], facts: EventFacts, room: dict[tuple[int, str], int]
) -> None:
    revisions = revisions_of(*rules)
    stored_facts, stored_rules = facts.to_json(), [to_json(rule) for rule in rules]

    again = evaluate(revisions_of(*map(from_json, stored_rules)), EventFacts.from_json(stored_facts), room=room)

    assert again == evaluate(revisions, facts, room=room)


@given(rule_books, events)
def test_of_an_exclusive_group_one_rule_pays_in_each_stage(rules: list[Definition], facts: EventFacts) -> None:
    revisions = revisions_of(*rules)
    by_id = {revision.id: revision for revision in revisions}

    paid = [by_id[award.revision_id] for award in evaluate(revisions, facts).awards]

    groups = [(one.definition.stacking.group, one.definition.is_base) for one in paid if one.definition.stacking.group]
    assert len(groups) == len(set(groups))


@given(rule_books, events)
def test_what_was_lacking_is_enough_and_pays_what_was_promised(rules: list[Definition], facts: EventFacts) -> None:
    """Bought of goods that every rule counts, so rules for some goods only are left out."""
    plain = [
        replace(rule, conditions=replace(rule.conditions, skus=frozenset()), stacking=Stacking()) for rule in rules
    ]
    revisions = revisions_of(*plain)
    facts = replace(facts, tier_multiplier_bp=10_000)

    for miss in evaluate(revisions, facts).misses:
        if miss.reason not in ("amount", "quantity") or not miss.lacking.get("for_points"):
            continue
        rest = FactLine(99, "Z", "", miss.lacking.get("quantity", 0), miss.lacking.get("amount_fen", 0))
        paid = _paid_by(miss.revision_id, revisions, replace(facts, lines=(*facts.lines, rest)))
        assert paid is not None
        assert paid >= miss.lacking["for_points"]


def _paid_by(revision_id: int, revisions: list[RuleRevision], facts: EventFacts) -> int | None:
    awards = evaluate(revisions, facts).awards
    return next((award.points for award in awards if award.revision_id == revision_id), None)
