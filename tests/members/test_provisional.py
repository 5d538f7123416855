"""Provisional members: enrolled by a phone at the till, made their own by who proves it, erased when nobody does."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.kernel.audit import Actor
from loyalty.kernel.crypto import Vault
from loyalty.members import queries, service
from loyalty.members.models import Identity, Member
from loyalty.members.rules.binding import BindingKind
from loyalty.members.rules.consents import ConsentMissing
from loyalty.members.rules.identities import Door, IdentityKind
from loyalty.members.rules.members import (
    PROVISIONAL_FOR,
    MemberGone,
    MemberNotFound,
    MemberProvisional,
    MemberStatus,
)
from loyalty.members.rules.phones import PhoneInvalid
from loyalty.members.service import BindingOutcome, enrol_provisional
from loyalty.members.service.phone_proofs import proof_by_wechat
from loyalty.merging.service import merge
from loyalty.points import queries as points
from loyalty.points.models import LedgerEntry
from loyalty.privacy.service import erase_unconfirmed
from loyalty.tiers import service as tiers
from tests.factories.members import make_consents, make_identity, make_member, unused_phone, unused_unionid
from tests.factories.points import assert_books_fit, balance_of, earn
from tests.factories.stores import make_store
from tests.support.events import recorded

MP = IdentityKind.MINI_PROGRAM


def bind(session: Session, vault: Vault, identity: Identity, phone: str, at: datetime) -> BindingOutcome:
    return service.bind_by_wechat_phone(
        session, vault=vault, identity_id=identity.id, phone=phone, consents=make_consents(), at=at
    )


def provisional(session: Session, vault: Vault, phone: str, at: datetime) -> Member:
    enrolled = enrol_provisional(session, vault, phone=phone, store_id=make_store(session).id, at=at)
    return session.get_one(Member, enrolled.member_id)


class TestEnrolling:
    def test_makes_a_member_of_a_phone_alone(self, session: Session, vault: Vault, at: datetime) -> None:
        phone, store = unused_phone(), make_store(session)

        enrolled = enrol_provisional(session, vault, phone=phone.removeprefix("+86"), store_id=store.id, at=at)

        member = session.get_one(Member, enrolled.member_id)
        assert enrolled.is_new
        assert (member.status, member.enrolled_store_id, member.phone_proved_at) == ("provisional", store.id, None)
        assert member.provisional_until_at == at + timedelta(days=90)
        assert queries.consents_of(session, member_id=member.id) == []
        assert recorded(session, "member.enrolled") == []

    def test_again_finds_the_same_member(self, session: Session, vault: Vault, at: datetime) -> None:
        phone = unused_phone()
        first = enrol_provisional(session, vault, phone=phone, store_id=None, at=at)

        again = enrol_provisional(session, vault, phone=phone, store_id=None, at=at + timedelta(days=1))

        assert (again.member_id, again.is_new) == (first.member_id, False)
        assert session.get_one(Member, first.member_id).provisional_until_at == at + PROVISIONAL_FOR

    @pytest.mark.parametrize("status", [MemberStatus.ACTIVE, MemberStatus.CLOSING])
    def test_of_a_members_phone_finds_that_member(
        self, session: Session, vault: Vault, at: datetime, status: MemberStatus
    ) -> None:
        phone = unused_phone()
        member = make_member(session, phone=phone, status=status)

        enrolled = enrol_provisional(session, vault, phone=phone, store_id=None, at=at)

        assert (enrolled.member_id, enrolled.is_new) == (member.id, False)
        assert member.status == status

    def test_refuses_what_is_no_phone(self, session: Session, vault: Vault, at: datetime) -> None:
        with pytest.raises(PhoneInvalid):
            enrol_provisional(session, vault, phone="021-12345678", store_id=None, at=at)


class TestUntilTheyCome:
    def test_cannot_spend_and_no_full_phone_is_shown(self, session: Session, vault: Vault, at: datetime) -> None:
        member = provisional(session, vault, unused_phone(), at)

        with pytest.raises(MemberProvisional):
            queries.check_can_spend(session, member_id=member.id)
        with pytest.raises(MemberProvisional):
            service.reveal_phone(session, vault=vault, member_id=member.id, actor=Actor("staff:1"), at=at)

    def test_takes_no_notice(self, session: Session, vault: Vault, at: datetime) -> None:
        member = provisional(session, vault, unused_phone(), at)

        assert not queries.wants(session, member_id=member.id, kind="points_changed")

    @pytest.mark.parametrize("status", [MemberStatus.ACTIVE, MemberStatus.CLOSING])
    def test_a_member_in_full_can_spend(self, session: Session, status: MemberStatus) -> None:
        queries.check_can_spend(session, member_id=make_member(session, status=status).id)

    def test_a_closed_one_and_nobody_cannot(self, session: Session) -> None:
        with pytest.raises(MemberGone):
            queries.check_can_spend(session, member_id=make_member(session, status=MemberStatus.CLOSED).id)
        with pytest.raises(MemberNotFound):
            queries.check_can_spend(session, member_id=10**12)


class TestComing:
    @pytest.mark.parametrize("has_unionid", [False, True])
    @pytest.mark.parametrize("days", [0, 89, 181])
    def test_by_the_phone_makes_the_member_ones_own_with_what_was_earned(
        self, session: Session, vault: Vault, at: datetime, has_unionid: bool, days: int
    ) -> None:
        phone, came_at = unused_phone(), at + timedelta(days=days)
        member = provisional(session, vault, phone, at)
        earn(session, member.id, 30, at=at)
        visitor = make_identity(session, unionid=unused_unionid() if has_unionid else None)

        outcome = bind(session, vault, visitor, phone, came_at)

        assert (outcome.kind, outcome.member_id) == (BindingKind.CONFIRMED, member.id)
        assert visitor.member_id == member.id
        assert (member.status, member.provisional_until_at) == ("active", None)
        assert (member.enrolled_at, member.phone_proved_at) == (at, came_at)
        assert {consent.purpose for consent in queries.consents_of(session, member_id=member.id)} == {
            "service_terms", "privacy",
        }  # fmt: skip
        queries.check_can_spend(session, member_id=member.id)
        assert points.summary(session, member_id=member.id, at=came_at).available == 30
        assert recorded(session, "member.enrolled") == [
            {"member_id": member.id, "identity_id": visitor.id, "store_id": member.enrolled_store_id}
        ]

    def test_takes_along_the_visitors_of_the_same_unionid(self, session: Session, vault: Vault, at: datetime) -> None:
        phone, unionid = unused_phone(), unused_unionid()
        member = provisional(session, vault, phone, at)
        here, there = (make_identity(session, kind=kind, unionid=unionid) for kind in IdentityKind)

        bind(session, vault, here, phone, at)

        session.refresh(there)
        assert here.member_id == there.member_id == member.id

    def test_without_consent_changes_nothing(self, session: Session, vault: Vault, at: datetime) -> None:
        phone = unused_phone()
        member = provisional(session, vault, phone, at)

        with pytest.raises(ConsentMissing):
            service.bind_by_wechat_phone(
                session, vault=vault, identity_id=make_identity(session).id, phone=phone, consents=[], at=at
            )

        assert member.status == "provisional"

    def test_a_second_person_with_the_phone_then_owes_a_second_proof(
        self, session: Session, vault: Vault, at: datetime
    ) -> None:
        phone = unused_phone()
        provisional(session, vault, phone, at)
        bind(session, vault, make_identity(session), phone, at)

        second = bind(session, vault, make_identity(session), phone, at)

        assert second.kind is BindingKind.NEEDS_SECOND_PROOF

    @pytest.mark.parametrize("own_phone", ["", None], ids=["with a phone", "without"])
    @pytest.mark.parametrize("unionid", ["none", "new", "own"])
    def test_as_a_member_offers_a_merge_and_the_member_in_full_survives(
        self, session: Session, vault: Vault, at: datetime, own_phone: str | None, unionid: str
    ) -> None:
        phone, enrolled_at = unused_phone(), at - timedelta(days=30)
        other = provisional(session, vault, phone, enrolled_at)
        earn(session, other.id, 40, at=at)
        mine = make_member(session, phone=own_phone, enrolled_at=at - timedelta(days=3))
        known = {"none": None, "new": unused_unionid(), "own": unused_unionid()}[unionid]
        identity = make_identity(session, member=mine, unionid=known)
        if unionid == "own":
            make_identity(session, member=mine, kind=MP, unionid=known)

        outcome = bind(session, vault, identity, phone, at)

        assert (outcome.kind, outcome.member_id) == (BindingKind.MERGE_OFFERED, mine.id)
        assert other.status == "provisional"
        proposal_id = outcome.proposal_id or 0
        if own_phone is not None:
            own = vault.open(mine.phone_sealed or b"", context="members.phone")
            service.prove_for_merge(
                session, vault=vault, proposal_id=proposal_id, identity_id=identity.id,
                proof=proof_by_wechat(phone=own, at=at), at=at,
            )  # fmt: skip
        agreed = service.agree_to_merge(session, proposal_id=proposal_id, identity_id=identity.id, at=at)
        assert agreed == (mine.id, other.id)
        merge(session, survivor_id=mine.id, other_id=other.id, actor=Actor("system:merge"), at=at)
        assert balance_of(session, mine.id) == 40
        assert (other.status, other.provisional_until_at, other.phone_index) == ("merged", None, None)
        assert_books_fit(session, mine.id)

    def test_as_a_visitor_of_a_members_unionid_joins_that_member_and_is_offered_the_merge(
        self, session: Session, vault: Vault, at: datetime
    ) -> None:
        phone, unionid = unused_phone(), unused_unionid()
        provisional(session, vault, phone, at)
        mine = make_member(session)
        make_identity(session, member=mine, kind=MP, unionid=unionid)
        visitor = make_identity(session, unionid=unionid)

        outcome = bind(session, vault, visitor, phone, at)

        assert (outcome.kind, outcome.member_id) == (BindingKind.MERGE_OFFERED, mine.id)
        assert visitor.member_id == mine.id

    def test_by_a_change_of_phone_is_offered_the_merge_too(self, session: Session, vault: Vault, at: datetime) -> None:
        phone = unused_phone()
        provisional(session, vault, phone, at)
        identity = make_identity(session, member=make_member(session))

        outcome = service.change_phone(
            session,
            vault=vault,
            identity_id=identity.id,
            proof=proof_by_wechat(phone=phone, at=at),
            door=Door.H5,
            at=at,
        )

        assert outcome.kind is BindingKind.MERGE_OFFERED


class TestNotComing:
    def test_for_ninety_days_ends_in_erasure_and_a_reversal_of_every_point(
        self, session: Session, vault: Vault, zone: ZoneInfo, at: datetime
    ) -> None:
        phone, due_at = unused_phone(), at + PROVISIONAL_FOR
        member = provisional(session, vault, phone, at)
        earn(session, member.id, 30, at=at)
        earn(session, member.id, 12, at=at, available_at=due_at + timedelta(days=9))
        tiers.review(session, member_id=member.id, growth=42, reference="order:1", at=at)

        assert erase_unconfirmed(session, vault=vault, zone=zone, at=due_at - timedelta(seconds=1)) == 0
        assert erase_unconfirmed(session, vault=vault, zone=zone, at=due_at) == 1
        assert erase_unconfirmed(session, vault=vault, zone=zone, at=due_at) == 0

        session.refresh(member)
        assert (member.status, member.phone_sealed, member.phone_index) == ("closed", None, None)
        assert balance_of(session, member.id) == 0
        entries = select(LedgerEntry.kind, LedgerEntry.points).where(LedgerEntry.member_id == member.id)
        assert sorted(map(tuple, session.execute(entries))) == [
            ("earn", 12), ("earn", 30), ("reverse", -30), ("reverse", -12),
        ]  # fmt: skip
        assert_books_fit(session, member.id)

    def test_leaves_the_phone_free_for_a_new_beginning(
        self, session: Session, vault: Vault, zone: ZoneInfo, at: datetime
    ) -> None:
        phone, later = unused_phone(), at + PROVISIONAL_FOR
        member = provisional(session, vault, phone, at)
        erase_unconfirmed(session, vault=vault, zone=zone, at=later)

        outcome = bind(session, vault, make_identity(session), phone, later)

        assert outcome.kind is BindingKind.ENROLLED
        assert outcome.member_id != member.id
