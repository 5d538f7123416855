"""Levels by hand: a floor with a reason and an end, in the history and the audit log."""

import base64
from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from loyalty.kernel import audit
from loyalty.kernel.crypto import Vault
from loyalty.members import keys
from loyalty.members.rules.members import MemberProvisional, MemberStatus
from loyalty.tiers import queries, service
from loyalty.tiers.queries import tier_of
from loyalty.tiers.rules import InvalidManualLevel, InvalidTierPolicy, NoManualLevel, Policy
from tests.factories.members import make_member
from tests.factories.tiers import ACTOR, changes_of, evaluate, grow, make_ladder
from tests.support.events import recorded

WEEK = timedelta(days=7)


@pytest.fixture(autouse=True)
def _ladder(session: Session, at: datetime) -> None:
    make_ladder(session, at=at)


def by_hand(session: Session, vault: Vault, member_id: int, at: datetime, **changes: object) -> None:
    values: dict[str, object] = {"level": 2, "until_at": at + WEEK, "reason": "品牌大使"}
    service.set_manual_level(
        session, vault, member_id=member_id, actor=ACTOR, at=at, **(values | changes),  # type: ignore[arg-type]
    )  # fmt: skip


def test_counts_until_its_end_whether_or_not_the_night_has_run(session: Session, vault: Vault, at: datetime) -> None:
    member = make_member(session)

    by_hand(session, vault, member.id, at)

    view = tier_of(session, member_id=member.id, at=at)
    assert (view.name, view.level, view.manual_until_at) == ("银卡会员", 2, at + WEEK)
    assert tier_of(session, member_id=member.id, at=at + WEEK - timedelta(seconds=1)).level == 2
    assert tier_of(session, member_id=member.id, at=at + WEEK).level == 1


def test_ends_by_the_night_and_the_member_hears_of_both(session: Session, vault: Vault, at: datetime) -> None:
    member = make_member(session)
    by_hand(session, vault, member.id, at)

    pages = [*evaluate(session, at + WEEK), *evaluate(session, at + WEEK)]

    assert sum(page.ended_by_hand for page in pages) == 1
    assert changes_of(session, member.id) == [("manual", 1, 2), ("manual_ended", 2, 1)]
    told = [*recorded(session, "tier.promoted"), *recorded(session, "tier.demoted")]
    assert [(one["cause"], one["to_level"]) for one in told] == [("manual", 2), ("manual_ended", 1)]


def test_is_a_floor_that_growth_may_pass(session: Session, vault: Vault, at: datetime) -> None:
    member = make_member(session)
    by_hand(session, vault, member.id, at)

    review = grow(session, member.id, 2_000, at)

    assert (review.level, review.is_promoted) == (3, True)
    evaluate(session, at + WEEK)
    assert tier_of(session, member_id=member.id, at=at + WEEK).level == 3
    assert len(recorded(session, "tier.demoted")) == 0


def test_keeps_its_reason_in_the_history_and_sealed_in_the_audit_log(
    session: Session, vault: Vault, at: datetime
) -> None:
    member = make_member(session)
    by_hand(session, vault, member.id, at, reason=" 朋友介绍的大客户 ")

    (change,) = queries.list_changes(session, vault=vault, member_ids=[member.id])
    assert (change.reason, change.actor, change.until_at) == ("朋友介绍的大客户", "staff:1", at + WEEK)
    (entry,) = audit.list_entries(session, subject=f"member:{member.id}", action="tiers.set_manual_level")
    assert entry.after is not None
    assert (entry.after["level"], entry.after["until_at"]) == (2, (at + WEEK).isoformat())
    sealed = base64.b64decode(entry.after["reason_sealed"])
    told = keys.open_for_member(session, vault=vault, member_id=member.id, sealed=sealed, context="audit.reason")
    assert told == "朋友介绍的大客户"


def test_can_be_ended_before_its_time_once(session: Session, vault: Vault, at: datetime) -> None:
    member = make_member(session)
    by_hand(session, vault, member.id, at)

    service.end_manual_level(session, member_id=member.id, actor=ACTOR, at=at)

    assert tier_of(session, member_id=member.id, at=at).level == 1
    with pytest.raises(NoManualLevel):
        service.end_manual_level(session, member_id=member.id, actor=ACTOR, at=at)


@pytest.mark.parametrize(
    "changes",
    [
        {"level": 4},
        {"level": 0},
        {"until_at": datetime.fromisoformat("2026-03-10T02:00:00+00:00")},
        {"until_at": datetime.fromisoformat("2046-03-10T02:00:00+00:00")},
        {"reason": "  "},
        {"reason": "长" * 201},
    ],
)
def test_is_refused_without_effect_end_or_reason(
    session: Session, vault: Vault, at: datetime, changes: dict[str, object]
) -> None:
    with pytest.raises(InvalidManualLevel):
        by_hand(session, vault, make_member(session).id, at, **changes)


def test_below_what_growth_reached_is_refused(session: Session, vault: Vault, at: datetime) -> None:
    member = make_member(session)
    grow(session, member.id, 2_000, at)

    with pytest.raises(InvalidManualLevel):
        by_hand(session, vault, member.id, at)


def test_is_not_for_a_provisional_member(session: Session, vault: Vault, at: datetime) -> None:
    with pytest.raises(MemberProvisional):
        by_hand(session, vault, make_member(session, status=MemberStatus.PROVISIONAL).id, at)


def test_passes_to_the_survivor_of_a_merge(session: Session, vault: Vault, at: datetime) -> None:
    merged, survivor = make_member(session), make_member(session)
    by_hand(session, vault, merged.id, at)

    for _ in range(2):
        service.transfer(session, from_member_id=merged.id, to_member_id=survivor.id, reference="merge:1", at=at)

    assert tier_of(session, member_id=survivor.id, at=at).level == 2
    assert tier_of(session, member_id=merged.id, at=at).level == 1
    assert tier_of(session, member_id=survivor.id, at=at + WEEK).level == 1


def test_of_a_merged_member_counts_although_the_survivors_own_has_just_ended(
    session: Session, vault: Vault, at: datetime
) -> None:
    merged, survivor = make_member(session), make_member(session)
    by_hand(session, vault, survivor.id, at - WEEK, level=3)
    by_hand(session, vault, merged.id, at)

    service.transfer(session, from_member_id=merged.id, to_member_id=survivor.id, reference="merge:1", at=at)

    assert tier_of(session, member_id=survivor.id, at=at).level == 2


@pytest.mark.parametrize(
    "policy",
    [Policy(months=0), Policy(months=61), Policy(grace_days=-1), Policy(grace_days=366), Policy(time_zone="X")],
)
def test_a_policy_by_which_nothing_can_be_evaluated_is_refused(session: Session, at: datetime, policy: Policy) -> None:
    with pytest.raises(InvalidTierPolicy):
        service.save_policy(session, policy=policy, actor=ACTOR, at=at)
