"""A merge moves everything and can be read back."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from loyalty.check_ins.models import CheckIn, CheckInPlan
from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.kernel.crypto import Vault
from loyalty.kernel.database import Base, Database
from loyalty.members import queries, service
from loyalty.members.models import Identity, Member, NoticePreference
from loyalty.members.rules.consents import Purpose
from loyalty.members.rules.identities import Door, SessionInvalid
from loyalty.members.rules.members import MemberGone, MemberNotFound, MemberStatus
from loyalty.members.rules.reviews import ClosingMember
from loyalty.merging.queries import find_merge
from loyalty.merging.rules import MOVED_BY_OWNER, Merge, SameMember
from loyalty.merging.service import merge
from loyalty.notices.models import InboxMessage, Notice
from loyalty.notices.rules import NoticeState
from loyalty.points import statement as points
from loyalty.points.models import Lot
from loyalty.tiers import service as tiers
from tests.factories.members import make_identity, make_member, unused_phone
from tests.factories.points import assert_books_fit, balance_of, earn
from tests.support.events import recorded

ACTOR = Actor("member:1")
EXPIRY = datetime(2027, 1, 1, tzinfo=UTC)


@pytest.fixture
def survivor(session: Session) -> Member:
    return make_member(session)


@pytest.fixture
def other(session: Session, at: datetime) -> Member:
    return make_member(session, enrolled_at=at - timedelta(days=3))


def _merge(session: Session, survivor: Member, other: Member, at: datetime) -> Merge:
    return merge(session, survivor_id=survivor.id, other_id=other.id, actor=ACTOR, at=at)


def _notice(session: Session, member: Member, subject: str, at: datetime) -> Notice:
    notice = Notice(
        member_id=member.id, kind="points_changed", subject=subject, facts={}, state=NoticeState.QUEUED, requested_at=at
    )
    session.add(notice)
    session.flush()
    session.add(
        InboxMessage(member_id=member.id, notice_id=notice.id, kind=notice.kind, title="t", body="b", created_at=at)
    )
    session.flush()
    return notice


def _check_in(session: Session, member: Member, on: date, at: datetime) -> None:
    revision = session.scalar(select(CheckInPlan.revision).limit(1)) or session.scalar(
        insert(CheckInPlan)
        .values(points_by_day=[1], bonus_by_day={}, growth=0, live_from_on=on, created_by="t", created_at=at)
        .returning(CheckInPlan.revision)
    )
    session.execute(
        insert(CheckIn).values(
            member_id=member.id, checked_in_on=on, streak=1, base=1, bonus=0, growth=0,
            plan_revision=revision, checked_in_at=at,
        )
    )  # fmt: skip


class TestWhatMoves:
    def test_points_with_their_expiry_and_the_books_still_fit(
        self, session: Session, survivor: Member, other: Member, at: datetime
    ) -> None:
        earn(session, survivor.id, 100)
        earn(session, other.id, 40, expires_at=EXPIRY)

        result = _merge(session, survivor, other, at)

        assert result.points == 40
        assert (balance_of(session, survivor.id), balance_of(session, other.id)) == (140, 0)
        moved = session.scalars(select(Lot.expires_at).where(Lot.member_id == survivor.id, Lot.points == 40)).one()
        assert moved == EXPIRY
        assert_books_fit(session, survivor.id)
        assert_books_fit(session, other.id)

    def test_the_others_history_is_read_through_the_survivor(
        self, session: Session, survivor: Member, other: Member, at: datetime
    ) -> None:
        old = earn(session, other.id, 40).entry_id

        _merge(session, survivor, other, at)

        entries = points.list_entries(session, member_id=survivor.id, cursor=None, limit=20)
        assert old in {entry.id for entry in entries.items}

    def test_identities_preferences_consents_and_messages(
        self, session: Session, survivor: Member, other: Member, at: datetime
    ) -> None:
        identity = make_identity(session, member=other)
        service.set_notice_wanted(session, member_id=other.id, kind="points_changed", is_wanted=False, at=at)
        service.give_consent(session, member_id=other.id, purpose=Purpose.MARKETING, version="1.0", door=Door.H5, at=at)
        notice = _notice(session, other, "entry:1", at)

        result = _merge(session, survivor, other, at)

        session.refresh(identity)
        assert identity.member_id == survivor.id
        assert not queries.wants(session, member_id=survivor.id, kind="points_changed")
        assert [consent.purpose for consent in queries.consents_of(session, member_id=survivor.id)] == ["marketing"]
        assert session.get_one(Notice, notice.id).member_id == survivor.id
        assert result.moved["identities"] == [identity.id]
        assert set(result.moved) == {"identities", "consents", "notice_preferences", "notices", "inbox_messages"}

    def test_what_the_survivor_has_already_stays_behind(
        self, session: Session, survivor: Member, other: Member, at: datetime
    ) -> None:
        same = [_notice(session, member, "entry:1", at) for member in (survivor, other)]
        for member, is_wanted in ((survivor, True), (other, False)):
            service.set_notice_wanted(session, member_id=member.id, kind="k", is_wanted=is_wanted, at=at)

        _merge(session, survivor, other, at)

        assert session.get_one(Notice, same[1].id).member_id == other.id
        assert session.get_one(NoticePreference, (survivor.id, "k")).is_wanted

    def test_growth_and_check_ins(self, session: Session, survivor: Member, other: Member, at: datetime) -> None:
        tiers.review(session, member_id=other.id, growth=30, reference="r1", at=at)
        _check_in(session, survivor, date(2026, 3, 9), at)
        _check_in(session, other, date(2026, 3, 9), at)
        _check_in(session, other, date(2026, 3, 8), at)

        result = _merge(session, survivor, other, at)

        assert tiers.tier_of(session, member_id=survivor.id, at=at).growth == 30
        assert result.check_ins == 1
        days = session.scalars(select(CheckIn.checked_in_on).where(CheckIn.member_id == survivor.id)).all()
        assert sorted(days) == [date(2026, 3, 8), date(2026, 3, 9)]

    def test_every_table_of_a_member_has_somebody_who_moves_it(self) -> None:
        rules = {
            table.name: table.info["member_data"]["merge"]
            for table in Base.metadata.sorted_tables
            if "member_data" in table.info
        }

        assert {name for name, rule in rules.items() if rule == "custom"} == MOVED_BY_OWNER
        assert set(rules.values()) <= {"move", "keep", "custom"}


class TestTheTwoMembers:
    def test_the_other_is_left_without_phone_and_logged_out_everywhere(
        self, session: Session, database: Database, survivor: Member, other: Member, at: datetime
    ) -> None:
        theirs, mine = make_identity(session, member=other), make_identity(session, member=survivor)
        tokens = [service.open_session(session, identity_id=i.id, door=Door.H5, at=at) for i in (theirs, mine)]

        _merge(session, survivor, other, at)
        session.commit()

        session.refresh(other)
        assert (other.status, other.merged_into_id, other.phone_sealed) == ("merged", survivor.id, None)
        with pytest.raises(SessionInvalid):
            service.authenticate(database, token=tokens[0], door=Door.H5, at=at)
        assert service.authenticate(database, token=tokens[1], door=Door.H5, at=at).member_id == survivor.id

    def test_the_survivor_keeps_its_own_phone_and_inherits_what_it_lacks(
        self, session: Session, vault: Vault, at: datetime
    ) -> None:
        phone = unused_phone()
        survivor = make_member(session, phone=phone)
        other = make_member(session, nickname="小明")

        _merge(session, survivor, other, at)

        view = queries.get_member(session, vault=vault, member_id=survivor.id)
        assert view.nickname == "小明"
        assert queries.find_by_phone(session, vault=vault, phone=phone) == view

    def test_a_survivor_without_phone_takes_the_others(self, session: Session, vault: Vault, at: datetime) -> None:
        phone = unused_phone()
        survivor, other = make_member(session, phone=None), make_member(session, phone=phone)

        _merge(session, survivor, other, at)

        found = queries.find_by_phone(session, vault=vault, phone=phone)
        assert found is not None
        assert found.id == survivor.id

    def test_members_merged_before_point_to_the_last_survivor(
        self, session: Session, survivor: Member, other: Member, at: datetime
    ) -> None:
        first = make_member(session)
        _merge(session, other, first, at)

        _merge(session, survivor, other, at)

        assert queries.family_of(session, member_id=survivor.id) == sorted([first.id, other.id, survivor.id], key=(
            lambda member_id: (member_id != survivor.id, member_id)
        ))  # fmt: skip


class TestReadingBack:
    def test_the_audit_tells_under_both_members_what_moved(
        self, session: Session, survivor: Member, other: Member, at: datetime
    ) -> None:
        identity = make_identity(session, member=other)
        earn(session, other.id, 40)

        result = _merge(session, survivor, other, at)

        assert find_merge(session, other_id=other.id) == result
        assert result.moved == {"identities": [identity.id]}
        for member in (survivor, other):
            entry = audit.list_entries(session, subject=f"member:{member.id}", action="merging.merge")[0]
            assert (entry.actor, entry.recorded_at) == ("member:1", at)
            assert entry.after is not None
            assert Merge(**entry.after) == result
        assert recorded(session, "member.merged") == [{"survivor_id": survivor.id, "other_id": other.id}]

    def test_merging_again_changes_nothing_and_tells_the_same(
        self, session: Session, survivor: Member, other: Member, at: datetime
    ) -> None:
        earn(session, other.id, 40)
        first = _merge(session, survivor, other, at)

        assert _merge(session, survivor, other, at + timedelta(hours=1)) == first
        assert balance_of(session, survivor.id) == 40
        assert len(recorded(session, "member.merged")) == 1


class TestRefusals:
    def test_of_itself(self, session: Session, survivor: Member, at: datetime) -> None:
        with pytest.raises(SameMember):
            _merge(session, survivor, survivor, at)

    def test_of_nobody(self, session: Session, survivor: Member, at: datetime) -> None:
        with pytest.raises(MemberNotFound):
            merge(session, survivor_id=survivor.id, other_id=10**12, actor=ACTOR, at=at)

    def test_of_who_is_closed(self, session: Session, survivor: Member, at: datetime) -> None:
        closed = make_member(session, phone=None, status=MemberStatus.CLOSED)

        with pytest.raises(MemberGone):
            _merge(session, survivor, closed, at)

    def test_of_who_waits_to_be_closed(self, session: Session, survivor: Member, at: datetime) -> None:
        with pytest.raises(ClosingMember):
            _merge(session, survivor, make_member(session, status=MemberStatus.CLOSING), at)

    def test_of_who_was_merged_into_somebody_else(
        self, session: Session, survivor: Member, other: Member, at: datetime
    ) -> None:
        _merge(session, make_member(session), other, at)

        with pytest.raises(MemberGone):
            _merge(session, survivor, other, at)


def test_no_identity_is_left_with_a_merged_member(
    session: Session, survivor: Member, other: Member, at: datetime
) -> None:
    for appid in ("wx_a", "wx_b"):
        make_identity(session, member=other, appid=appid)

    _merge(session, survivor, other, at)

    assert session.scalars(select(Identity).where(Identity.member_id == other.id)).all() == []
