"""Risk: the first rule that fires decides, once; a person has the last word; who is blocked gains nothing."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from loyalty.gateways.answers import RiskRank
from loyalty.kernel import audit
from loyalty.members.models import Member
from loyalty.merging.service import merge
from loyalty.risk.models import Sighting
from loyalty.risk.queries.blocklist import is_blocked, list_blocks
from loyalty.risk.queries.decisions import count_waiting, get_decision, list_decisions, neighbours_of
from loyalty.risk.queries.rules import current_rules
from loyalty.risk.rules.blocks import BLOCK_MAX, BlockEnded, BlockKind, BlockNotFound, InvalidBlock, Target
from loyalty.risk.rules.deciding import Bound, Condition, InvalidRiskRules, Rule, check_rules, decide
from loyalty.risk.rules.defaults import DEFAULT_RULES
from loyalty.risk.rules.documents import from_json, to_json
from loyalty.risk.rules.reasons import InvalidRiskReason
from loyalty.risk.rules.signals import Fact, Signal
from loyalty.risk.rules.subjects import (
    Decision,
    DecisionState,
    Occasion,
    RiskDecisionNotFound,
    RiskDecisionSettled,
    Subject,
    Verdict,
)
from loyalty.risk.service import (
    assess,
    block,
    block_where_seen,
    forget_old_sightings,
    note_sighting,
    release,
    reverse,
    save_rules,
    unblock,
)
from tests.factories.members import make_member
from tests.factories.points import AT
from tests.factories.referrals import ACTOR
from tests.support.events import recorded
from tests.support.settings import VAULT

DAY = timedelta(days=1)
REVIEW = Rule(
    "many", "太频繁", frozenset({Occasion.MISSION}),
    (Condition(Signal.ACTS_PER_MEMBER, 2, within_hours=1),), Verdict.REVIEW,
)  # fmt: skip


def ask(
    session: Session, member: Member, reference: str = "mission:1", *, occasion: Occasion = Occasion.MISSION,
    at: datetime = AT, facts: dict[Fact, int] | None = None, **seen: object,
) -> Decision:  # fmt: skip
    return assess(
        session, vault=VAULT, occasion=occasion, reference=reference,
        subject=Subject(member.id, **seen), facts=facts or {}, at=at,  # type: ignore[arg-type]
    )  # fmt: skip


def see(session: Session, member: Member, *, at: datetime = AT, **seen: str) -> None:
    subject = Subject(member.id, **seen)  # type: ignore[arg-type]
    note_sighting(session, vault=VAULT, occasion=Occasion.ENROLMENT, subject=subject, at=at)


class TestRules:
    def test_the_defaults_make_sense_and_survive_being_stored(self) -> None:
        check_rules(DEFAULT_RULES)

        assert from_json(to_json(DEFAULT_RULES)) == DEFAULT_RULES

    def test_the_first_that_fires_decides_and_one_that_is_off_does_not(self) -> None:
        known = {(Fact.INVITATIONS_TODAY, None): 5}
        gains = frozenset({Occasion.REFERRAL})
        refuse = Rule("refuse", "拒绝", gains, (Condition(Fact.INVITATIONS_TODAY, 5),), Verdict.DENY)
        hold = Rule("hold", "暂扣", gains, (Condition(Fact.INVITATIONS_TODAY, 1),), Verdict.REVIEW)
        is_off = Rule("off", "关闭", gains, (Condition(Fact.INVITATIONS_TODAY, 1),), Verdict.DENY, is_on=False)

        assert decide([is_off, hold, refuse], Occasion.REFERRAL, known).rule_name == "hold"
        assert decide([is_off, refuse, hold], Occasion.REFERRAL, known).sentence == "拒绝：邀请人当日邀请人数5（≥5）"
        assert decide([hold], Occasion.MISSION, known).verdict is Verdict.ALLOW

    @pytest.mark.parametrize("bound", list(Bound))
    def test_what_is_not_known_fulfils_nothing(self, bound: Bound) -> None:
        rule = Rule("r", "r", frozenset({Occasion.REFERRAL}), (Condition(Fact.WECHAT_RANK, 1, bound),), Verdict.DENY)

        assert decide([rule], Occasion.REFERRAL, {}).verdict is Verdict.ALLOW

    @pytest.mark.parametrize(
        "document",
        [
            None,
            {},
            [1],
            [{"name": "x"}],
            [{**to_json([REVIEW])[0], "more": 1}],
            [{**to_json([REVIEW])[0], "verdict": "maybe"}],
            [{**to_json([REVIEW])[0], "conditions": [{"measured": "nothing", "value": 1}]}],
        ],
    )
    def test_what_is_no_rule_is_refused(self, document: object) -> None:
        with pytest.raises(InvalidRiskRules):
            from_json(document)

    @pytest.mark.parametrize(
        "condition",
        [
            Condition(Signal.ACTS_PER_IP, 1),
            Condition(Signal.ACTS_PER_IP, 1, within_hours=0),
            Condition(Signal.ACTS_PER_IP, 1, within_hours=90 * 24 + 1),
            Condition(Fact.WECHAT_RANK, 1, within_hours=1),
            Condition(Fact.WECHAT_RANK, -1),
        ],
    )
    def test_a_condition_that_cannot_be_measured_is_refused(self, condition: Condition) -> None:
        with pytest.raises(InvalidRiskRules):
            check_rules([Rule("r", "规则", frozenset({Occasion.MISSION}), (condition,), Verdict.DENY)])

    def test_saving_is_audited_and_counts_from_then_on(self, session: Session, at: datetime) -> None:
        rule_set_id = save_rules(session, rules=[REVIEW], actor=ACTOR, at=at)

        assert current_rules(session).rules == (REVIEW,)
        entry = audit.list_entries(session, action="risk.save_rules")[0]
        assert entry.before == {"rules": to_json(DEFAULT_RULES)}
        decision = ask(session, make_member(session))
        assert get_decision(session, decision_id=decision.id).rule_set_id == rule_set_id


class TestAssessing:
    def test_a_gain_is_decided_once_whatever_is_found_later(self, session: Session, at: datetime) -> None:
        save_rules(session, rules=[REVIEW], actor=ACTOR, at=at)
        member = make_member(session)
        first = ask(session, member, "mission:1", ip="10.0.0.1")
        second = ask(session, member, "mission:2", ip="10.0.0.1", at=at + timedelta(minutes=1))

        again = ask(session, member, "mission:1", ip="10.0.0.1", at=at + timedelta(minutes=2))

        assert (first.verdict, second.verdict) == (Verdict.ALLOW, Verdict.REVIEW)
        assert again == first
        assert session.scalar(select(func.count()).select_from(Sighting)) == 2
        assert count_waiting(session) == 1

    def test_of_a_ring_on_one_device_the_first_is_as_suspicious_as_the_last(self, session: Session) -> None:
        ring = [make_member(session) for _ in range(3)]
        for number, one in enumerate(ring):
            see(session, one, device="farm", at=AT + number * DAY)

        decisions = [ask(session, one, f"mission:{one.id}", at=AT + 9 * DAY) for one in ring]

        assert {decision.rule_name for decision in decisions} == {"device_farm"}
        assert {one.member_id for one in neighbours_of(session, member_id=ring[0].id)} == {ring[1].id, ring[2].id}

    def test_one_person_who_was_merged_is_no_farm(self, session: Session, at: datetime) -> None:
        survivor, *others = (make_member(session) for _ in range(3))
        for one in (survivor, *others):
            see(session, one, device="own")
        for one in others:
            merge(session, survivor_id=survivor.id, other_id=one.id, actor=ACTOR, at=at)

        assert ask(session, others[0]).verdict is Verdict.ALLOW

    @pytest.mark.parametrize(
        ("rank", "verdict"),
        [
            (RiskRank.LOW, Verdict.ALLOW),
            (RiskRank.UNKNOWN, Verdict.REVIEW),
            (RiskRank.MEDIUM, Verdict.REVIEW),
            (RiskRank.HIGH, Verdict.DENY),
            (None, Verdict.ALLOW),
        ],
    )
    def test_wechats_opinion_counts_and_is_remembered(
        self, session: Session, rank: RiskRank | None, verdict: Verdict
    ) -> None:
        member = make_member(session)

        assert ask(session, member, wechat_rank=rank).verdict is verdict
        assert ask(session, member, "mission:2").verdict is verdict

    def test_devices_and_addresses_are_nowhere_in_clear_and_forgotten(self, session: Session, at: datetime) -> None:
        member = make_member(session)
        ask(session, member, device="CANARY-device", ip="203.0.113.77")
        row = session.scalars(select(Sighting)).one()

        assert row.device_index == VAULT.index("CANARY-device", context="risk.device")
        assert row.ip_index == VAULT.index("203.0.113.77", context="risk.ip")
        assert forget_old_sightings(session, at=at + 90 * DAY) == 0
        assert forget_old_sightings(session, at=at + 91 * DAY) == 1


class TestReview:
    def test_a_release_is_told_and_audited_once(self, session: Session, at: datetime) -> None:
        member = make_member(session)
        held = ask(session, member, wechat_rank=RiskRank.UNKNOWN)

        release(session, decision_id=held.id, reason="已电话核实", actor=ACTOR, at=at)

        assert ask(session, member).verdict is Verdict.ALLOW
        told = {"decision_id": held.id, "occasion": "mission", "reference": "mission:1", "member_id": member.id}
        assert recorded(session, "risk.released") == [told]
        entry = audit.list_entries(session, action="risk.release")[0]
        assert entry.after == {"state": "released", "reason": "已电话核实"}
        with pytest.raises(RiskDecisionSettled):
            release(session, decision_id=held.id, reason="再次", actor=ACTOR, at=at)

    def test_what_was_allowed_or_released_can_be_reversed_and_stays_so(self, session: Session, at: datetime) -> None:
        member = make_member(session)
        allowed = ask(session, member)

        reverse(session, decision_id=allowed.id, reason="刷单", actor=ACTOR, at=at)

        assert ask(session, member).verdict is Verdict.DENY
        assert len(recorded(session, "risk.reversed")) == 1
        for settle in (release, reverse):
            with pytest.raises(RiskDecisionSettled):
                settle(session, decision_id=allowed.id, reason="再次", actor=ACTOR, at=at)
        page = list_decisions(session, state=DecisionState.REVERSED, member_id=member.id)
        assert [view.id for view in page.items] == [allowed.id]

    def test_nobody_decides_without_a_reason_or_about_nothing(self, session: Session, at: datetime) -> None:
        allowed = ask(session, make_member(session))

        with pytest.raises(InvalidRiskReason):
            reverse(session, decision_id=allowed.id, reason=" ", actor=ACTOR, at=at)
        with pytest.raises(RiskDecisionNotFound):
            reverse(session, decision_id=0, reason="刷单", actor=ACTOR, at=at)


class TestBlocklist:
    def put(self, session: Session, target: Target, *, expires_at: datetime | None = AT + DAY) -> int:
        return block(
            session, vault=VAULT, target=target, reason="刷单", expires_at=expires_at, actor=ACTOR, at=AT
        )  # fmt: skip

    def test_comes_before_the_rules_and_ends_by_itself_or_by_hand(self, session: Session, at: datetime) -> None:
        member = make_member(session)
        block_id = self.put(session, Target(BlockKind.MEMBER, str(member.id)))

        assert ask(session, member).rule_name == "blocklist"
        assert not is_blocked(session, subject=Subject(member.id), at=at + DAY)
        unblock(session, block_id=block_id, reason="误封", actor=ACTOR, at=at)
        assert not is_blocked(session, subject=Subject(member.id), at=at)
        with pytest.raises(BlockEnded):
            unblock(session, block_id=block_id, reason="误封", actor=ACTOR, at=at)
        with pytest.raises(BlockNotFound):
            unblock(session, block_id=0, reason="误封", actor=ACTOR, at=at)

    def test_follows_a_member_through_a_merge(self, session: Session, at: datetime) -> None:
        survivor, other = make_member(session), make_member(session)
        self.put(session, Target(BlockKind.MEMBER, str(other.id)))

        merge(session, survivor_id=survivor.id, other_id=other.id, actor=ACTOR, at=at)

        assert is_blocked(session, subject=Subject(survivor.id), at=at)

    def test_of_devices_seen_blocks_them_for_others(self, session: Session, at: datetime) -> None:
        farmer, next_one = make_member(session), make_member(session)
        see(session, farmer, device="farm")
        see(session, next_one, device="farm")

        count = block_where_seen(
            session, member_id=farmer.id, kind=BlockKind.DEVICE, reason="刷单", expires_at=at + DAY, actor=ACTOR, at=at
        )

        assert count == 1
        assert is_blocked(session, subject=Subject(next_one.id), at=at)
        assert [view.kind for view in list_blocks(session, at=at, is_live=True).items] == [BlockKind.DEVICE]

    @pytest.mark.parametrize(
        ("target", "expires_at"),
        [
            (Target(BlockKind.DEVICE, ""), AT + DAY),
            (Target(BlockKind.DEVICE, "a\0b"), AT + DAY),
            (Target(BlockKind.IP, "10.0.0.1"), None),
            (Target(BlockKind.IP, "10.0.0.1"), AT),
            (Target(BlockKind.PHONE, "13800000000"), AT + BLOCK_MAX + DAY),
        ],
    )
    def test_what_makes_no_sense_is_refused(
        self, session: Session, target: Target, expires_at: datetime | None
    ) -> None:
        with pytest.raises(InvalidBlock):
            self.put(session, target, expires_at=expires_at)
