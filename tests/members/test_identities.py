"""Identities meet by unionid, whichever door came first."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from loyalty.members import queries, service
from loyalty.members.models import Identity, Member
from loyalty.members.rules.identities import IdentityKind, SnapshotUser
from tests.factories.members import make_identity, make_member, unused_openid, unused_unionid
from tests.support.events import recorded
from tests.support.settings import MP_APPID, OA_APPID


def _identify(session: Session, at: datetime, **given: object) -> Identity:
    values: dict[str, object] = {
        "appid": OA_APPID, "openid": unused_openid(), "unionid": None, "kind": IdentityKind.OFFICIAL_ACCOUNT,
    }  # fmt: skip
    return service.identify(session, at=at, **(values | given))  # type: ignore[arg-type]


class TestIdentify:
    def test_makes_a_visitor_of_who_is_new(self, session: Session, at: datetime) -> None:
        identity = _identify(session, at)

        assert identity.member_id is None
        assert identity.first_seen_at == at

    def test_returns_the_same_identity_the_next_time(self, session: Session, at: datetime) -> None:
        first = _identify(session, at)

        again = _identify(session, at + timedelta(days=1), openid=first.openid)

        assert again.id == first.id
        assert again.first_seen_at == at

    def test_of_the_same_openid_in_another_appid_is_somebody_else(self, session: Session, at: datetime) -> None:
        first = _identify(session, at)

        other = _identify(session, at, openid=first.openid, appid=MP_APPID, kind=IdentityKind.MINI_PROGRAM)

        assert other.id != first.id

    @pytest.mark.parametrize("first_door", [IdentityKind.OFFICIAL_ACCOUNT, IdentityKind.MINI_PROGRAM])
    def test_joins_the_member_of_the_same_unionid_from_either_door(
        self, session: Session, at: datetime, first_door: IdentityKind
    ) -> None:
        second_door = next(kind for kind in IdentityKind if kind is not first_door)
        member, unionid = make_member(session), unused_unionid()
        make_identity(session, member=member, kind=first_door, unionid=unionid)

        identity = _identify(session, at, unionid=unionid, appid=f"wx_{second_door}", kind=second_door)

        assert identity.member_id == member.id
        assert recorded(session, "member.joined")[-1] == {"member_id": member.id, "identity_id": identity.id}

    def test_joins_when_the_unionid_is_learned_later(self, session: Session, at: datetime) -> None:
        member, unionid = make_member(session), unused_unionid()
        make_identity(session, member=member, kind=IdentityKind.MINI_PROGRAM, unionid=unionid)
        visitor = make_identity(session)

        identity = _identify(session, at, openid=visitor.openid, unionid=unionid)

        assert identity.id == visitor.id
        assert identity.member_id == member.id

    def test_keeps_a_unionid_that_the_next_login_does_not_tell(self, session: Session, at: datetime) -> None:
        known = make_identity(session, unionid=unused_unionid())

        identity = _identify(session, at, openid=known.openid)

        assert identity.unionid == known.unionid is not None

    def test_never_moves_an_identity_that_has_a_member(self, session: Session, at: datetime) -> None:
        mine, theirs, unionid = make_member(session), make_member(session), unused_unionid()
        make_identity(session, member=theirs, kind=IdentityKind.MINI_PROGRAM, unionid=unionid)
        bound = make_identity(session, member=mine)

        identity = _identify(session, at, openid=bound.openid, unionid=unionid)

        assert identity.member_id == mine.id
        assert queries.find_merge_candidate(session, member_id=mine.id) == theirs.id

    def test_joins_the_earliest_enrolled_of_two_members(self, session: Session, at: datetime) -> None:
        unionid = unused_unionid()
        later = make_member(session, enrolled_at=at - timedelta(days=1))
        earlier = make_member(session, enrolled_at=at - timedelta(days=2))
        for number, member in enumerate((later, earlier)):
            make_identity(session, member=member, appid=f"wx_{number}", unionid=unionid)

        assert _identify(session, at, unionid=unionid).member_id == earlier.id

    def test_never_makes_anybody_of_a_snapshot_page(self, session: Session, at: datetime) -> None:
        before = session.scalar(select(func.count()).select_from(Identity))

        with pytest.raises(SnapshotUser):
            _identify(session, at, is_snapshot=True)

        assert session.scalar(select(func.count()).select_from(Identity)) == before
        assert session.scalar(select(func.count()).select_from(Member)) == 0


class TestFollowing:
    def _follow(self, session: Session, openid: str, at: datetime) -> Identity:
        return service.note_follow(
            session, appid=OA_APPID, openid=openid, unionid=None, scene="ADD_SCENE_SEARCH", at=at
        )

    def test_is_noted_and_told_once(self, session: Session, at: datetime) -> None:
        identity = self._follow(session, unused_openid(), at)
        self._follow(session, identity.openid, at)

        assert identity.is_following
        assert identity.followed_at == at
        assert recorded(session, "identity.followed") == [
            {"identity_id": identity.id, "member_id": None, "appid": OA_APPID}
        ]

    def test_is_lost_and_regained_without_losing_the_member(self, session: Session, at: datetime) -> None:
        member = make_member(session)
        identity = make_identity(session, member=member, is_following=True)

        service.note_unfollow(session, appid=OA_APPID, openid=identity.openid, at=at)
        assert not identity.is_following
        self._follow(session, identity.openid, at + timedelta(days=1))

        assert identity.is_following
        assert identity.member_id == member.id
        assert len(recorded(session, "identity.unfollowed")) == 1
        assert len(recorded(session, "identity.followed")) == 1

    def test_pushes_in_the_wrong_order_end_as_in_the_right_one(self, session: Session, at: datetime) -> None:
        openid = unused_openid()

        service.note_unfollow(session, appid=OA_APPID, openid=openid, at=at + timedelta(seconds=5))
        identity = self._follow(session, openid, at)

        assert not identity.is_following

    def test_a_late_unfollow_does_not_undo_a_newer_follow(self, session: Session, at: datetime) -> None:
        identity = self._follow(session, unused_openid(), at)
        self._follow(session, identity.openid, at + timedelta(seconds=9))

        service.note_unfollow(session, appid=OA_APPID, openid=identity.openid, at=at + timedelta(seconds=5))

        assert identity.is_following
