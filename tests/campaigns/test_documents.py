"""Terms as documents: what a revision holds reads back the same, and what cannot be read is named by its place."""

from datetime import UTC, datetime, time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.campaigns.rules.documents import dump, parse
from loyalty.campaigns.rules.errors import InvalidCampaign
from loyalty.campaigns.rules.templates import TEMPLATES
from loyalty.campaigns.rules.terms import (
    At,
    BeforeExpiry,
    Birthday,
    CampaignEvent,
    Caps,
    GiveCoupon,
    GivePoints,
    Now,
    OnEvent,
    PutTag,
    Recurring,
    Repetition,
    SendMessage,
    Sleeping,
    Terms,
    Visit,
)
from loyalty.segments.rules import fact_types as facts
from loyalty.segments.rules.conditions import EVERYBODY, All, AnyOf, Not

_INSTANTS = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
_TIMES = st.builds(time, st.integers(0, 23), st.integers(0, 59))
_NUMBERS = st.integers(-5, 2**40)
_WORDS = st.text(max_size=8)
_TRIGGERS = st.one_of(
    st.just(Now()),
    st.just(Visit()),
    st.builds(At, _INSTANTS),
    st.builds(Recurring, st.sampled_from(Repetition), _TIMES, st.frozensets(st.integers(1, 31), max_size=4)),
    st.builds(OnEvent, st.sampled_from(CampaignEvent), _NUMBERS),
    st.builds(Birthday, _NUMBERS, _TIMES),
    st.builds(Sleeping, _NUMBERS, _TIMES),
    st.builds(BeforeExpiry, _NUMBERS, _NUMBERS, _TIMES),
)
_ACTIONS = st.one_of(
    st.builds(GivePoints, _NUMBERS, st.none() | _NUMBERS),
    st.builds(GiveCoupon, _NUMBERS),
    st.builds(PutTag, _NUMBERS),
    st.builds(SendMessage, _WORDS, _WORDS, st.lists(_WORDS, max_size=3).map(tuple), st.none() | _WORDS),
)
_MAYBE = st.none() | _NUMBERS
_TERMS = st.builds(
    Terms,
    title=_WORDS,
    audience=st.sampled_from(
        [EVERYBODY, facts.HasBirthday(), All((Not(facts.NeverBought()), AnyOf((facts.Tier(frozenset({1, 2})),))))]
    ),
    trigger=_TRIGGERS,
    actions=st.lists(_ACTIONS, max_size=4).map(tuple),
    rules_text=_WORDS,
    segment_id=_MAYBE,
    store_ids=st.frozensets(_NUMBERS, max_size=3),
    caps=st.builds(Caps, points=_MAYBE, coupons=_MAYBE, fen=_MAYBE, members=_MAYBE, times_a_member=_NUMBERS),
    holdout_percent=_NUMBERS,
    starts_at=st.none() | _INSTANTS,
    ends_at=st.none() | _INSTANTS,
)
_PLAIN: dict[str, Any] = {"title": "活动", "audience": {"all": []}, "trigger": {"kind": "now"}, "actions": []}


@given(_TERMS)
def test_what_was_dumped_reads_back_as_the_same_terms(terms: Terms) -> None:
    assert parse(dump(terms)) == terms


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_ready_campaign_reads_back_as_the_same_terms(name: str) -> None:
    assert parse(dump(TEMPLATES[name].start())) == TEMPLATES[name].start()


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"surprise": 1}, "surprise"),
        ({"title": 5}, "title"),
        ({"trigger": None}, "trigger.kind"),
        ({"trigger": {"kind": "whenever"}}, "trigger.kind"),
        ({"trigger": {"kind": "at"}}, "trigger.starts_at"),
        ({"trigger": {"kind": "at", "starts_at": "2026-03-10"}}, "trigger.starts_at"),
        ({"trigger": {"kind": "at", "starts_at": "0001-01-01T00:00:00+08:00"}}, "trigger.starts_at"),
        ({"trigger": {"kind": "sleeping", "days": 30, "at": "9:5"}}, "trigger.at"),
        ({"trigger": {"kind": "event", "event": "shared"}}, "trigger.event"),
        ({"trigger": {"kind": "now", "at": "10:00"}}, "trigger.at"),
        ({"actions": [{"kind": "points"}]}, "actions.points"),
        ({"actions": [{"kind": "points", "points": True}]}, "actions.points"),
        ({"actions": [{"kind": "cash", "fen": 1}]}, "actions.kind"),
        ({"caps": {"points": "many"}}, "caps.points"),
        ({"audience": {"fact": "tier", "levels": "all"}}, "audience.levels"),
        ({"audience": {"all": [{"fact": "unknown"}]}}, "audience.all[0].fact"),
        ({"store_ids": [1, "2"]}, "store_ids"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place_and_a_reason(change: dict[str, Any], place: str) -> None:
    with pytest.raises(InvalidCampaign) as refused:
        parse(_PLAIN | change)

    (problem,) = refused.value.problems
    assert problem.field == place
    assert problem.reason


@pytest.mark.parametrize("missing", ["title", "audience", "trigger", "actions"])
def test_what_a_campaign_cannot_do_without_is_asked_for(missing: str) -> None:
    with pytest.raises(InvalidCampaign) as refused:
        parse({key: value for key, value in _PLAIN.items() if key != missing})

    assert [problem.field for problem in refused.value.problems] == [missing]


@pytest.mark.parametrize("document", [None, [], "campaign", 7])
def test_what_is_no_object_is_refused(document: object) -> None:
    with pytest.raises(InvalidCampaign):
        parse(document)
