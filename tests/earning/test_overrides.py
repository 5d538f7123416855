"""What stores and regions have otherwise of a rule, where headquarters permits and approves it."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from loyalty.approvals.rules import ApprovalByMaker
from loyalty.earning.rules import Conditions, Fixed, PerAmount
from loyalty.earning.rules.errors import InvalidEarningRule, OverrideNotPermitted, OverrideWithoutDefault
from loyalty.earning.rules.lifecycle import OverridePolicy
from loyalty.earning.service.rules import end, publish, set_override_policy
from loyalty.kernel.audit import Actor
from tests.earning.drafts import DOUBLE, draft, live
from tests.factories.earning import ACTOR, BASE, make_rule
from tests.factories.stores import make_headquarters, make_region, make_store

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MANAGER = Actor("staff:7")
"""Proposes; headquarters approves."""


class TestOverrides:
    @pytest.fixture
    def rule_id(self, session: Session, at: datetime) -> int:
        rule_id = make_rule(session, at=at - DAY)
        set_override_policy(session, rule_id=rule_id, policy=OverridePolicy.OVERRIDE, actor=ACTOR, at=at)
        return rule_id

    def override(self, session: Session, rule_id: int, node_id: int, at: datetime, points: int | None) -> None:
        definition = replace(BASE, points=Fixed(points)) if points else None
        draft(session, rule_id, at, definition, node_id=node_id, actor=MANAGER)
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
        draft(session, rule_id, at, node_id=store.id, actor=MANAGER)
        set_override_policy(session, rule_id=rule_id, policy=OverridePolicy.NONE, actor=ACTOR, at=at)

        with pytest.raises(OverrideNotPermitted):
            publish(session, rule_id=rule_id, node_id=store.id, actor=ACTOR, at=at)

    def test_are_approved_by_somebody_else_than_who_proposed_them(
        self, session: Session, rule_id: int, at: datetime
    ) -> None:
        store = make_store(session)
        draft(session, rule_id, at, node_id=store.id, actor=MANAGER)

        with pytest.raises(ApprovalByMaker):
            publish(session, rule_id=rule_id, node_id=store.id, actor=MANAGER, at=at)

        assert live(session, at, store.id) == [(rule_id, BASE)]

    def test_need_a_rule_and_a_place_below_headquarters(self, session: Session, rule_id: int, at: datetime) -> None:
        with pytest.raises(OverrideNotPermitted):
            draft(session, rule_id, at, node_id=make_headquarters(session).id)
        store, elsewhere = make_store(session), replace(DOUBLE, conditions=Conditions(included_nodes=frozenset({1})))
        with pytest.raises(InvalidEarningRule):
            draft(session, rule_id, at, elsewhere, node_id=store.id)
        end(session, rule_id=rule_id, actor=ACTOR, at=at)
        with pytest.raises(OverrideWithoutDefault):
            draft(session, rule_id, at, node_id=make_store(session).id)
