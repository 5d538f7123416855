"""Binding: a member binds again or changes the phone, carried out on the database."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from loyalty.members import service
from loyalty.members.models import Identity, MergeProposal
from loyalty.members.rules.binding import BindingKind, NotAMember
from loyalty.members.rules.identities import Door, IdentityKind
from loyalty.members.service import BindingOutcome
from tests.factories.members import (
    make_identity,
    make_member,
    unused_phone,
    unused_unionid,
)
from tests.members.conftest import Counter
from tests.support.events import recorded

OA, MP = IdentityKind.OFFICIAL_ACCOUNT, IdentityKind.MINI_PROGRAM


class TestAMember:
    def test_with_their_own_phone_changes_nothing(self, counter: Counter, session: Session, at: datetime) -> None:
        phone = unused_phone()
        member = make_member(session, phone=phone, last_active_at=at - timedelta(days=400))
        identity = make_identity(session, member=member)

        outcome = counter.bind(identity, phone)

        assert (outcome.kind, outcome.member_id) == (BindingKind.ALREADY_BOUND, member.id)
        assert counter.count() == 1

    def test_with_another_new_phone_is_asked_to_change_it_in_so_many_words(
        self, counter: Counter, session: Session
    ) -> None:
        old = unused_phone()
        member = make_member(session, phone=old)

        outcome = counter.bind(make_identity(session, member=member), unused_phone())

        assert outcome.kind is BindingKind.PHONE_DIFFERS
        assert counter.phone_of(member.id) == old

    def test_without_a_phone_gets_a_new_one(self, counter: Counter, session: Session) -> None:
        member, phone = make_member(session, phone=None), unused_phone()

        outcome = counter.bind(make_identity(session, member=member), phone)

        assert (outcome.kind, outcome.member_id) == (BindingKind.PHONE_CHANGED, member.id)
        assert counter.phone_of(member.id) == phone

    @pytest.mark.parametrize("own_phone", ["", None], ids=["with a phone", "without"])
    @pytest.mark.parametrize("silent_days", [1, 181])
    def test_with_the_phone_of_a_member_of_the_same_unionid_is_offered_a_merge(
        self, counter: Counter, session: Session, at: datetime, own_phone: str | None, silent_days: int
    ) -> None:
        phone, unionid = unused_phone(), unused_unionid()
        other = make_member(session, phone=phone, last_active_at=at - timedelta(days=silent_days))
        make_identity(session, member=other, kind=MP, unionid=unionid)
        mine = make_member(session, phone=own_phone)
        identity = make_identity(session, member=mine, unionid=unionid)

        outcome = counter.bind(identity, phone)

        assert (outcome.kind, outcome.member_id) == (BindingKind.MERGE_OFFERED, mine.id)
        proposal = session.get_one(MergeProposal, outcome.proposal_id)
        assert (proposal.other_phone_proved_at, proposal.member_phone_proved_at) == (at, None)
        assert identity.member_id == mine.id
        assert recorded(session, "member.merge_agreed") == []

    @pytest.mark.parametrize("unionid", ["none", "new", "own"])
    @pytest.mark.parametrize("silent_days", [1, 181])
    def test_with_the_phone_of_an_unrelated_member_owes_a_second_proof(
        self, counter: Counter, session: Session, at: datetime, unionid: str, silent_days: int
    ) -> None:
        phone = unused_phone()
        other = make_member(session, phone=phone, last_active_at=at - timedelta(days=silent_days))
        mine = make_member(session)
        identity = make_identity(
            session, member=mine, unionid={"none": None, "new": unused_unionid(), "own": unused_unionid()}[unionid]
        )
        if unionid == "own":
            make_identity(session, member=mine, kind=MP, unionid=identity.unionid)

        outcome = counter.bind(identity, phone)

        assert outcome.kind is BindingKind.NEEDS_SECOND_PROOF
        assert counter.phone_of(other.id) == phone


class TestChangePhone:
    def _change(self, counter: Counter, identity: Identity, phone: str) -> BindingOutcome:
        return service.change_phone(
            counter.session, vault=counter.vault, identity_id=identity.id,
            proof=service.proof_by_wechat(phone=phone, at=counter.at), door=Door.H5, at=counter.at,
        )  # fmt: skip

    def test_to_a_proved_one_that_is_nobodys(self, counter: Counter, session: Session) -> None:
        member, phone = make_member(session), unused_phone()

        outcome = self._change(counter, make_identity(session, member=member), phone)

        assert outcome.kind is BindingKind.PHONE_CHANGED
        assert counter.phone_of(member.id) == phone
        assert recorded(session, "member.phone_changed") == [{"member_id": member.id}]

    def test_frees_the_old_one(self, counter: Counter, session: Session) -> None:
        old = unused_phone()
        member = make_member(session, phone=old)
        self._change(counter, make_identity(session, member=member), unused_phone())

        outcome = counter.bind(make_identity(session), old)

        assert outcome.kind is BindingKind.ENROLLED
        assert outcome.member_id != member.id

    def test_to_somebody_elses_owes_a_second_proof(self, counter: Counter, session: Session, at: datetime) -> None:
        taken, own = unused_phone(), unused_phone()
        holder = make_member(session, phone=taken, last_active_at=at)
        member = make_member(session, phone=own)

        outcome = self._change(counter, make_identity(session, member=member), taken)

        assert outcome.kind is BindingKind.NEEDS_SECOND_PROOF
        assert (counter.phone_of(holder.id), counter.phone_of(member.id)) == (taken, own)

    def test_is_not_for_visitors(self, counter: Counter, session: Session) -> None:
        with pytest.raises(NotAMember):
            self._change(counter, make_identity(session), unused_phone())
