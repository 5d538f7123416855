"""Binding: every combination of identity, phone and unionid, carried out on the database."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from loyalty.channels.models import Scene
from loyalty.kernel.crypto import Vault
from loyalty.members import queries, service
from loyalty.members.models import BindingReview, Identity, Member, MergeProposal
from loyalty.members.rules.binding import BindingKind, NotAMember
from loyalty.members.rules.consents import ConsentGiven, ConsentMissing, Purpose
from loyalty.members.rules.identities import Door, IdentityKind, IdentityNotFound
from loyalty.members.rules.numbers import is_number
from loyalty.members.rules.phones import PhoneInvalid
from loyalty.members.service import BindingOutcome
from tests.factories.members import (
    make_consents,
    make_identity,
    make_member,
    unused_phone,
    unused_unionid,
)
from tests.factories.stores import make_region, make_store
from tests.support.events import recorded
from tests.support.settings import OA_APPID

OA, MP = IdentityKind.OFFICIAL_ACCOUNT, IdentityKind.MINI_PROGRAM


@dataclass
class Counter:
    """Binds a phone at one instant, as both doors do."""

    session: Session
    vault: Vault
    at: datetime

    def bind(self, identity: Identity, phone: str, **given: object) -> BindingOutcome:
        values: dict[str, object] = {"consents": make_consents()}
        return service.bind_by_wechat_phone(
            self.session, vault=self.vault, identity_id=identity.id, phone=phone, at=self.at,
            **(values | given),  # type: ignore[arg-type]
        )  # fmt: skip

    def phone_of(self, member_id: int) -> str | None:
        member = self.session.get_one(Member, member_id, populate_existing=True)
        return member.phone_sealed and self.vault.open(member.phone_sealed, context="members.phone")

    def count(self) -> int:
        return self.session.scalar(select(func.count()).select_from(Member)) or 0


def follow_by_code(session: Session, visitor: Identity, *, subject_kind: str, subject_id: int, at: datetime) -> None:
    """Let a person follow by a QR code of ours, as the push of WeChat tells it."""
    scene = Scene(
        appid=visitor.appid, key=visitor.openid, subject_kind=subject_kind, subject_id=subject_id,
        label="测试", created_at=at,
    )  # fmt: skip
    session.add(scene)
    service.note_follow(
        session, appid=visitor.appid, openid=visitor.openid, unionid=None, scene=scene.key, at=at - timedelta(hours=1)
    )


@pytest.fixture
def counter(session: Session, vault: Vault, at: datetime) -> Counter:
    return Counter(session, vault, at)


class TestAVisitor:
    def test_with_a_new_phone_is_enrolled(self, counter: Counter, session: Session, at: datetime) -> None:
        visitor, phone, store = make_identity(session), unused_phone(), make_store(session)

        outcome = counter.bind(visitor, phone, store_id=store.id)

        assert outcome.kind is BindingKind.ENROLLED
        assert visitor.member_id == outcome.member_id is not None
        member = session.get_one(Member, outcome.member_id)
        assert is_number(member.number)
        assert (member.enrolled_at, member.last_active_at, member.phone_proved_at) == (at, at, at)
        assert counter.phone_of(member.id) == phone
        assert recorded(session, "member.enrolled") == [
            {"member_id": member.id, "identity_id": visitor.id, "store_id": store.id}
        ]
        assert {consent.purpose for consent in queries.consents_of(session, member_id=member.id)} == {
            "service_terms", "privacy",
        }  # fmt: skip

    def test_who_followed_by_a_stores_code_is_enrolled_at_that_store(self, counter: Counter, session: Session) -> None:
        visitor, store = make_identity(session), make_store(session)
        follow_by_code(session, visitor, subject_kind="store", subject_id=store.id, at=counter.at)

        outcome = counter.bind(visitor, unused_phone(), door=Door.H5)

        assert session.get_one(Member, outcome.member_id).enrolled_store_id == store.id
        assert recorded(session, "member.enrolled")[0]["store_id"] == store.id

    def test_is_enrolled_at_the_store_followed_in_the_official_account_also_in_the_mini_program(
        self, counter: Counter, session: Session
    ) -> None:
        unionid, store = unused_unionid(), make_store(session)
        follower = make_identity(session, unionid=unionid)
        follow_by_code(session, follower, subject_kind="store", subject_id=store.id, at=counter.at)

        outcome = counter.bind(make_identity(session, kind=MP, unionid=unionid), unused_phone())

        assert session.get_one(Member, outcome.member_id).enrolled_store_id == store.id

    def test_is_enrolled_at_the_store_that_the_door_names_before_the_one_followed(
        self, counter: Counter, session: Session
    ) -> None:
        visitor, followed, named = make_identity(session), make_store(session), make_store(session)
        follow_by_code(session, visitor, subject_kind="store", subject_id=followed.id, at=counter.at)

        outcome = counter.bind(visitor, unused_phone(), store_id=named.id)

        assert session.get_one(Member, outcome.member_id).enrolled_store_id == named.id

    @pytest.mark.parametrize("subject_kind", ["campaign", "store"])
    def test_who_followed_by_another_code_belongs_to_no_store(
        self, counter: Counter, session: Session, subject_kind: str
    ) -> None:
        visitor, store = make_identity(session), make_store(session)
        subject_id = store.id if subject_kind == "campaign" else make_region(session).id
        follow_by_code(session, visitor, subject_kind=subject_kind, subject_id=subject_id, at=counter.at)

        outcome = counter.bind(visitor, unused_phone())

        assert session.get_one(Member, outcome.member_id).enrolled_store_id is None

    def test_seen_just_now_is_enrolled_alike(self, counter: Counter, session: Session, at: datetime) -> None:
        newcomer = make_identity(session, first_seen_at=at)

        assert counter.bind(newcomer, unused_phone()).kind is BindingKind.ENROLLED

    def test_takes_along_the_visitors_of_the_same_unionid(self, counter: Counter, session: Session) -> None:
        unionid = unused_unionid()
        here, there = (make_identity(session, kind=kind, unionid=unionid) for kind in (OA, MP))

        outcome = counter.bind(here, unused_phone())

        session.refresh(there)
        assert here.member_id == there.member_id == outcome.member_id

    @pytest.mark.parametrize("has_unionid", [False, True])
    def test_with_a_known_phone_joins_a_member_not_yet_in_this_appid(
        self, counter: Counter, session: Session, at: datetime, has_unionid: bool
    ) -> None:
        phone = unused_phone()
        member = make_member(session, phone=phone, last_active_at=at - timedelta(days=30))
        make_identity(session, member=member, kind=MP)
        visitor = make_identity(session, unionid=unused_unionid() if has_unionid else None)

        outcome = counter.bind(visitor, phone)

        assert (outcome.kind, outcome.member_id) == (BindingKind.JOINED, member.id)
        assert visitor.member_id == member.id
        assert member.last_active_at == at

    @pytest.mark.parametrize("silent_days", [1, 181])
    def test_with_the_holders_unionid_joins_even_a_dormant_member_seen_here_before(
        self, counter: Counter, session: Session, at: datetime, silent_days: int
    ) -> None:
        phone, unionid = unused_phone(), unused_unionid()
        member = make_member(session, phone=phone, last_active_at=at - timedelta(days=silent_days))
        make_identity(session, member=member, unionid=unionid)

        outcome = counter.bind(make_identity(session, unionid=unionid), phone)

        assert (outcome.kind, outcome.member_id) == (BindingKind.JOINED, member.id)

    def test_with_another_members_unionid_becomes_that_member_and_owes_a_second_proof(
        self, counter: Counter, session: Session, at: datetime
    ) -> None:
        phone, unionid = unused_phone(), unused_unionid()
        holder = make_member(session, phone=phone, last_active_at=at)
        mine = make_member(session)
        make_identity(session, member=mine, kind=MP, unionid=unionid)
        visitor = make_identity(session, unionid=unionid)

        outcome = counter.bind(visitor, phone)

        assert outcome.kind is BindingKind.NEEDS_SECOND_PROOF
        assert visitor.member_id == mine.id
        assert counter.phone_of(holder.id) == phone

    def test_with_a_members_unionid_and_a_new_phone_joins_without_touching_the_phone(
        self, counter: Counter, session: Session
    ) -> None:
        unionid, old = unused_unionid(), unused_phone()
        member = make_member(session, phone=old)
        make_identity(session, member=member, kind=MP, unionid=unionid)

        outcome = counter.bind(make_identity(session, unionid=unionid), unused_phone())

        assert (outcome.kind, outcome.member_id) == (BindingKind.PHONE_DIFFERS, member.id)
        assert counter.phone_of(member.id) == old
        assert counter.count() == 1

    @pytest.mark.parametrize(
        ("is_here", "silent_days"), [(True, 1), (False, 181), (True, 181)], ids=["here", "dormant", "both"]
    )
    @pytest.mark.parametrize("has_unionid", [False, True])
    def test_never_silently_gets_a_phone_that_may_be_recycled(
        self, counter: Counter, session: Session, at: datetime, is_here: bool, silent_days: int, has_unionid: bool
    ) -> None:
        phone = unused_phone()
        member = make_member(session, phone=phone, last_active_at=at - timedelta(days=silent_days))
        make_identity(session, member=member, kind=OA if is_here else MP)
        visitor = make_identity(session, unionid=unused_unionid() if has_unionid else None)

        outcome = counter.bind(visitor, phone)

        assert (outcome.kind, outcome.member_id) == (BindingKind.NEEDS_SECOND_PROOF, None)
        assert visitor.member_id is None
        assert counter.phone_of(member.id) == phone
        assert recorded(session, "binding.code_wanted") == [{"review_id": outcome.review_id, "member_id": member.id}]

    def test_asking_again_does_not_send_a_second_code(self, counter: Counter, session: Session, at: datetime) -> None:
        phone = unused_phone()
        make_member(session, phone=phone, last_active_at=at - timedelta(days=200))
        visitor = make_identity(session)

        first = counter.bind(visitor, phone)
        second = counter.bind(visitor, phone)

        assert first == second
        assert len(recorded(session, "binding.code_wanted")) == 1

    def test_who_proves_another_phone_drops_the_contested_one(
        self, counter: Counter, session: Session, at: datetime
    ) -> None:
        contested = unused_phone()
        holder = make_member(session, phone=contested, last_active_at=at - timedelta(days=200))
        visitor = make_identity(session)
        review = session.get_one(BindingReview, counter.bind(visitor, contested).review_id)

        outcome = counter.bind(visitor, unused_phone())

        assert outcome.kind is BindingKind.ENROLLED
        assert (review.state, review.phone_sealed) == ("dropped", None)
        assert counter.phone_of(holder.id) == contested


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


class TestConsent:
    def test_is_needed_before_anything_else(self, counter: Counter, session: Session) -> None:
        with pytest.raises(ConsentMissing):
            counter.bind(make_identity(session), unused_phone(), consents=[])

        assert counter.count() == 0

    def test_names_version_channel_and_the_text_that_was_shown(
        self, counter: Counter, session: Session, at: datetime
    ) -> None:
        outcome = counter.bind(make_identity(session), unused_phone(), consents=make_consents(Purpose.MARKETING))

        assert outcome.member_id
        log = queries.consents_of(session, member_id=outcome.member_id)
        assert {consent.purpose for consent in log} == {"service_terms", "privacy", "marketing"}
        assert {(consent.version, consent.channel, consent.given_at) for consent in log} == {
            ("1.0", "mini_program", at)
        }
        assert {consent.text_hash for consent in log} == {text.hash for text in queries.current_texts(session)}


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


class TestBadInput:
    def test_a_foreign_phone_of_wechat_is_refused(self, counter: Counter, session: Session) -> None:
        with pytest.raises(PhoneInvalid):
            counter.bind(make_identity(session), "+12025550123")

    def test_an_unknown_identity_is_refused(self, counter: Counter) -> None:
        with pytest.raises(IdentityNotFound):
            service.bind_by_wechat_phone(
                counter.session, vault=counter.vault, identity_id=10**12, phone=unused_phone(),
                consents=make_consents(), at=counter.at,
            )  # fmt: skip

    def test_an_unknown_version_is_refused(self, counter: Counter, session: Session) -> None:
        with pytest.raises(Exception, match="consent_outdated"):
            counter.bind(make_identity(session), unused_phone(), consents=[ConsentGiven(Purpose.PRIVACY, "9.9")])


def test_a_phone_is_found_by_its_holder_only_and_shown_masked(counter: Counter, session: Session, vault: Vault) -> None:
    phone = unused_phone()
    outcome = counter.bind(make_identity(session), phone)

    found = queries.find_by_phone(session, vault=vault, phone=phone)

    assert found is not None
    assert found.id == outcome.member_id
    assert found.phone_masked == f"138****{phone[-4:]}"
    assert queries.find_by_number(session, vault=vault, number=found.number) == found
    assert queries.find_by_phone(session, vault=vault, phone=unused_phone()) is None
    assert [identity.appid for identity in queries.identities_of(session, member_id=found.id)] == [OA_APPID]
