from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from loyalty.earning.models import EarningRuleRevision
from loyalty.earning.queries import get_revisions, get_rule, list_rules, live_revisions
from loyalty.earning.rules import Conditions, Definition, EarningEvent, Fixed
from loyalty.earning.rules.errors import (
    EarningRuleNotFound,
    EarningRuleNotRunning,
    EarningRuleOver,
    InvalidEarningRule,
    NoEarningRuleDraft,
)
from loyalty.earning.rules.lifecycle import OverridePolicy, RuleState
from loyalty.earning.service.rules import (
    create_rule,
    discard_draft,
    end,
    publish,
    set_override_policy,
)
from loyalty.kernel import audit
from tests.earning.drafts import DOUBLE, draft, live
from tests.factories.earning import ACTOR, BASE, make_rule

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def states(session: Session, rule_id: int, at: datetime) -> list[RuleState]:
    return [revision.state for revision in reversed(get_rule(session, rule_id=rule_id, at=at).revisions)]


class TestDrafts:
    def test_pay_nothing_until_they_are_published(self, session: Session, at: datetime) -> None:
        rule_id = create_rule(
            session, name="消费积分", definition=BASE, starts_at=None, ends_at=None, actor=ACTOR, at=at
        )
        assert live(session, at) == []

        publish(session, rule_id=rule_id, actor=ACTOR, at=at)

        assert live(session, at) == [(rule_id, BASE)]

    def test_are_edited_in_place(self, session: Session, at: datetime) -> None:
        rule_id = make_rule(session, at=at)
        first = draft(session, rule_id, at)

        assert draft(session, rule_id, at, replace(BASE, points=Fixed(9))) == first
        assert live(session, at) == [(rule_id, BASE)]

    def test_are_refused_when_they_could_not_be_paid(self, session: Session, at: datetime) -> None:
        rule_id = make_rule(session, at=at)

        for wrong in (replace(BASE, points=None), Definition(event=EarningEvent.REVIEW, points=Fixed(1))):
            with pytest.raises(InvalidEarningRule):
                draft(session, rule_id, at, wrong)
        with pytest.raises(InvalidEarningRule):
            draft(session, rule_id, at, replace(BASE, conditions=Conditions(included_nodes=frozenset({10**9}))))
        with pytest.raises(InvalidEarningRule):
            draft(session, rule_id, at, name=" \n")
        with pytest.raises(InvalidEarningRule):
            draft(session, rule_id, at, starts_at=at, ends_at=at)
        with pytest.raises(EarningRuleNotFound):
            draft(session, 10**9, at)

    def test_are_thrown_away_with_a_rule_that_was_never_published(self, session: Session, at: datetime) -> None:
        rule_id = create_rule(
            session, name="消费积分", definition=BASE, starts_at=None, ends_at=None, actor=ACTOR, at=at
        )

        discard_draft(session, rule_id=rule_id, actor=ACTOR, at=at)

        assert [rule.id for rule in list_rules(session, at=at) if rule.id == rule_id] == []
        with pytest.raises(EarningRuleNotFound):
            publish(session, rule_id=rule_id, actor=ACTOR, at=at)

    def test_are_thrown_away_without_touching_what_is_in_force(self, session: Session, at: datetime) -> None:
        rule_id = make_rule(session, at=at)
        draft(session, rule_id, at)

        discard_draft(session, rule_id=rule_id, actor=ACTOR, at=at)

        assert live(session, at) == [(rule_id, BASE)]
        with pytest.raises(NoEarningRuleDraft):
            discard_draft(session, rule_id=rule_id, actor=ACTOR, at=at)


class TestPublishing:
    def test_makes_the_next_revision_and_ends_the_one_before(self, session: Session, at: datetime) -> None:
        rule_id = make_rule(session, at=at - DAY)
        draft(session, rule_id, at)
        publish(session, rule_id=rule_id, actor=ACTOR, at=at)

        assert live(session, at) == [(rule_id, DOUBLE)]
        assert live(session, at - HOUR) == [(rule_id, BASE)], "a late event is evaluated by what was in force then"
        assert states(session, rule_id, at) == [RuleState.ENDED, RuleState.LIVE]

    def test_waits_for_the_start_that_the_draft_wants(self, session: Session, at: datetime) -> None:
        rule_id = make_rule(session, at=at - DAY)
        draft(session, rule_id, at, starts_at=at + DAY, ends_at=at + 2 * DAY)
        publish(session, rule_id=rule_id, actor=ACTOR, at=at)

        assert states(session, rule_id, at) == [RuleState.LIVE, RuleState.SCHEDULED]
        assert [live(session, at + step * HOUR) for step in (0, 24, 47, 48)] == [
            [(rule_id, BASE)],
            [(rule_id, DOUBLE)],
            [(rule_id, DOUBLE)],
            [],
        ]

    def test_never_reaches_into_the_past(self, session: Session, at: datetime) -> None:
        rule_id = make_rule(session, starts_at=at - DAY, at=at)

        assert live(session, at - HOUR) == []
        assert live(session, at) == [(rule_id, BASE)]

    def test_replaces_what_was_still_to_come(self, session: Session, at: datetime) -> None:
        rule_id = make_rule(session, starts_at=at + DAY, at=at)
        draft(session, rule_id, at)
        publish(session, rule_id=rule_id, actor=ACTOR, at=at)

        assert states(session, rule_id, at) == [RuleState.ENDED, RuleState.LIVE]
        assert live(session, at + 2 * DAY) == [(rule_id, DOUBLE)]

    def test_needs_a_draft_that_is_not_over(self, session: Session, at: datetime) -> None:
        rule_id = make_rule(session, at=at - DAY)
        with pytest.raises(NoEarningRuleDraft):
            publish(session, rule_id=rule_id, actor=ACTOR, at=at)
        draft(session, rule_id, at, ends_at=at + HOUR)
        with pytest.raises(EarningRuleOver):
            publish(session, rule_id=rule_id, actor=ACTOR, at=at + HOUR)


class TestEnding:
    def test_stops_a_rule_from_then_on(self, session: Session, at: datetime) -> None:
        rule_id = make_rule(session, at=at - DAY)
        revision_id = live_revisions(session, event=EarningEvent.PURCHASE, at=at, store_id=None)[0].id

        end(session, rule_id=rule_id, actor=ACTOR, at=at)

        assert live(session, at) == []
        assert live(session, at - HOUR) == [(rule_id, BASE)]
        assert [one.definition for one in get_revisions(session, revision_ids=[revision_id])] == [BASE]
        with pytest.raises(EarningRuleNotRunning):
            end(session, rule_id=rule_id, actor=ACTOR, at=at)

    def test_takes_back_what_was_scheduled(self, session: Session, at: datetime) -> None:
        rule_id = make_rule(session, starts_at=at + DAY, at=at)

        end(session, rule_id=rule_id, actor=ACTOR, at=at)

        assert live(session, at + 2 * DAY) == []
        assert states(session, rule_id, at) == [RuleState.ENDED]


class TestPublishedRevisions:
    @pytest.mark.parametrize(
        "change",
        [
            {"definition": {"event": "purchase", "points": {"kind": "fixed", "value": 999}}},
            {"name": "改名"},
            {"starts_at": text("now() - interval '1 year'")},
            {"published_at": None, "published_by": None},
            {"ends_at": None},
            {"ends_at": text("'2099-01-01T00:00:00Z'")},
        ],
    )
    def test_never_change_except_that_they_may_end_sooner(
        self, session: Session, at: datetime, change: dict[str, object]
    ) -> None:
        make_rule(session, ends_at=at + DAY, at=at)

        with pytest.raises(IntegrityError, match="is published: UPDATE is refused"):
            session.execute(update(EarningRuleRevision).values(**change))

    def test_are_never_deleted(self, session: Session, at: datetime) -> None:
        make_rule(session, at=at)

        with pytest.raises(IntegrityError, match="is published: DELETE is refused"):
            session.execute(delete(EarningRuleRevision))

    def test_are_never_swept_away(self, session: Session) -> None:
        with pytest.raises(IntegrityError, match="append-only"):
            session.execute(text("TRUNCATE earning_rule_revisions"))


def test_every_change_is_audited(session: Session, at: datetime) -> None:
    rule_id = make_rule(session, at=at)
    set_override_policy(session, rule_id=rule_id, policy=OverridePolicy.EXCLUDE, actor=ACTOR, at=at)
    draft(session, rule_id, at)
    discard_draft(session, rule_id=rule_id, actor=ACTOR, at=at)
    end(session, rule_id=rule_id, actor=ACTOR, at=at)

    entries = audit.list_entries(session, subject=f"earning_rule:{rule_id}")

    assert [entry.action.removeprefix("earning.") for entry in reversed(entries)] == [
        "save_draft",
        "publish",
        "set_override_policy",
        "save_draft",
        "discard_draft",
        "end",
    ]
    assert all(entry.before or entry.after for entry in entries)


def test_the_sequence_of_revisions_has_no_gap_but_thrown_away_drafts(session: Session, at: datetime) -> None:
    rule_id = make_rule(session, at=at)
    draft(session, rule_id, at)
    publish(session, rule_id=rule_id, actor=ACTOR, at=at)

    numbers = session.scalars(
        select(EarningRuleRevision.number).where(EarningRuleRevision.rule_id == rule_id).order_by("number")
    )
    assert numbers.all() == [1, 2]
