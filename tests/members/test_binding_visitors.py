"""Binding: a visitor is enrolled, joins a member or owes a second proof, carried out on the database."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from loyalty.channels.models import Scene
from loyalty.members import queries, service
from loyalty.members.models import BindingReview, Identity, Member
from loyalty.members.rules.binding import BindingKind
from loyalty.members.rules.identities import Door, IdentityKind
from loyalty.members.rules.numbers import is_number
from tests.factories.members import (
    make_identity,
    make_member,
    unused_phone,
    unused_unionid,
)
from tests.factories.stores import make_region, make_store
from tests.members.conftest import Counter
from tests.support.events import recorded

OA, MP = IdentityKind.OFFICIAL_ACCOUNT, IdentityKind.MINI_PROGRAM


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
