from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from loyalty.earning.models import EarningRuleRevision
from loyalty.earning.queries import get_revisions, get_rule, list_rules, live_revisions
from loyalty.earning.rules import Conditions, Definition, EarningEvent, Fixed, PerAmount
from loyalty.earning.rules.errors import (
    EarningRuleNotFound,
    EarningRuleNotRunning,
    EarningRuleOver,
    InvalidEarningRule,
    NoEarningRuleDraft,
    OverrideNotPermitted,
    OverrideWithoutDefault,
)
from loyalty.earning.rules.lifecycle import OverridePolicy, RuleState
from loyalty.earning.service.rules import (
    create_rule,
    discard_draft,
    end,
    publish,
    save_draft,
    set_override_policy,
)
from loyalty.kernel import audit
from tests.factories.earning import ACTOR, BASE, make_rule
from tests.factories.stores import make_headquarters, make_region, make_store

DOUBLE = replace(BASE, points=PerAmount(2, 100))
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def live(session: Session, at: datetime, store_id: int | None = None) -> list[tuple[int, Definition]]:
    found = live_revisions(session, event=EarningEvent.PURCHASE, at=at, store_id=store_id)
    return [(revision.rule_id, revision.definition) for revision in found]


def draft(
    session: Session, rule_id: int, at: datetime, definition: Definition | None = DOUBLE, **changes: object
) -> int:
    values = {"name": "新版", "starts_at": None, "ends_at": None, "actor": ACTOR, "at": at} | changes
    return save_draft(session, rule_id=rule_id, definition=definition, **values)  # type: ignore[arg-type]


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


class TestOverrides:
    @pytest.fixture
    def rule_id(self, session: Session, at: datetime) -> int:
        rule_id = make_rule(session, at=at - DAY)
        set_override_policy(session, rule_id=rule_id, policy=OverridePolicy.OVERRIDE, actor=ACTOR, at=at)
        return rule_id

    def override(self, session: Session, rule_id: int, node_id: int, at: datetime, points: int | None) -> None:
        definition = replace(BASE, points=Fixed(points)) if points else None
        draft(session, rule_id, at, definition, node_id=node_id)
        publish(session, rule_id=rule_id, node_id=node_id, actor=ACTOR, at=at)

    def test_of_the_store_go_before_the_region_and_that_before_headquarters(
        self, session: Session, rule_id: int, at: datetime
    ) -> None:
        region = make_region(session)
        near, far, other = (make_store(session, parent=one) for one in (region, region, None))
        self.override(session, rule_id, region.id, at, 30)
        self.override(session, rule_id, near.id, at, 40)

        paid = {store.id: live(session, at, store.id)[0][1].points for store in (near, far, other)}

        assert paid == {near.id: Fixed(40), far.id: Fixed(30), other.id: PerAmount(1, 100)}
        assert live(session, at) == [(rule_id, BASE)]

    def test_may_leave_a_store_out(self, session: Session, rule_id: int, at: datetime) -> None:
        store, other = make_store(session), make_store(session)
        self.override(session, rule_id, store.id, at, None)

        assert live(session, at, store.id) == []
        assert live(session, at, other.id) == [(rule_id, BASE)]

    def test_end_and_fall_back_to_headquarters(self, session: Session, rule_id: int, at: datetime) -> None:
        store = make_store(session)
        self.override(session, rule_id, store.id, at, 40)

        end(session, rule_id=rule_id, node_id=store.id, actor=ACTOR, at=at + HOUR)

        assert live(session, at + HOUR, store.id) == [(rule_id, BASE)]

    def test_end_with_the_rule(self, session: Session, rule_id: int, at: datetime) -> None:
        store = make_store(session)
        self.override(session, rule_id, store.id, at, 40)

        end(session, rule_id=rule_id, actor=ACTOR, at=at + HOUR)

        assert live(session, at + HOUR, store.id) == []

    def test_hold_on_when_headquarters_publishes_anew(self, session: Session, rule_id: int, at: datetime) -> None:
        store = make_store(session)
        self.override(session, rule_id, store.id, at, 40)
        draft(session, rule_id, at)
        publish(session, rule_id=rule_id, actor=ACTOR, at=at)

        assert live(session, at) == [(rule_id, DOUBLE)]
        assert live(session, at, store.id)[0][1].points == Fixed(40)

    def test_are_only_made_where_headquarters_permits_them(self, session: Session, rule_id: int, at: datetime) -> None:
        store = make_store(session)
        set_override_policy(session, rule_id=rule_id, policy=OverridePolicy.EXCLUDE, actor=ACTOR, at=at)
        with pytest.raises(OverrideNotPermitted):
            self.override(session, rule_id, store.id, at, 40)
        self.override(session, rule_id, store.id, at, None)
        set_override_policy(session, rule_id=rule_id, policy=OverridePolicy.NONE, actor=ACTOR, at=at + HOUR)

        assert live(session, at + HOUR, store.id) == [(rule_id, BASE)], "no longer permitted, it ended"
        assert live(session, at, store.id) == []
        with pytest.raises(OverrideNotPermitted):
            self.override(session, rule_id, store.id, at + HOUR, None)

    def test_that_wait_are_not_published_once_the_permission_is_gone(
        self, session: Session, rule_id: int, at: datetime
    ) -> None:
        store = make_store(session)
        draft(session, rule_id, at, node_id=store.id)
        set_override_policy(session, rule_id=rule_id, policy=OverridePolicy.NONE, actor=ACTOR, at=at)

        with pytest.raises(OverrideNotPermitted):
            publish(session, rule_id=rule_id, node_id=store.id, actor=ACTOR, at=at)

    def test_need_a_rule_and_a_place_below_headquarters(self, session: Session, rule_id: int, at: datetime) -> None:
        with pytest.raises(OverrideNotPermitted):
            draft(session, rule_id, at, node_id=make_headquarters(session).id)
        store, elsewhere = make_store(session), replace(DOUBLE, conditions=Conditions(included_nodes=frozenset({1})))
        with pytest.raises(InvalidEarningRule):
            draft(session, rule_id, at, elsewhere, node_id=store.id)
        end(session, rule_id=rule_id, actor=ACTOR, at=at)
        with pytest.raises(OverrideWithoutDefault):
            draft(session, rule_id, at, node_id=make_store(session).id)


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
