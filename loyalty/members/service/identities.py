"""Identities: who stands before a door, and who follows. A person's identities meet by unionid."""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.kernel import outbox
from loyalty.members.models import Identity
from loyalty.members.queries import find_identity, get_identity, members_by_unionid
from loyalty.members.rules.identities import IdentityKind, IdentityNotFound, SnapshotUser
from loyalty.members.service.locks import lock_unionid


def identify(
    session: Session,
    *,
    appid: str,
    openid: str,
    unionid: str | None,
    kind: IdentityKind,
    at: datetime,
    is_snapshot: bool = False,
) -> Identity:
    """Return the identity of a person whom WeChat vouches for, made when it is new.

    A unionid may be learned later; where it points to a member, a visitor joins that member at once,
    whichever door came first. An identity that has a member keeps it.

    Raises:
        SnapshotUser: the openid is the virtual one of the snapshot page.
    """
    if is_snapshot:
        raise SnapshotUser
    identity = find_identity(session, appid=appid, openid=openid)
    if identity is None:
        identity = _insert(session, appid=appid, openid=openid, kind=kind, at=at)
    if unionid is not None and identity.unionid != unionid:
        identity.unionid = unionid
        session.flush()
    if identity.member_id is None and identity.unionid is not None:
        join_by_unionid(session, identity=identity, at=at)
    return identity


def note_follow(
    session: Session, *, appid: str, openid: str, unionid: str | None, scene: str | None, at: datetime
) -> Identity:
    """Note that a person follows (关注) an Official Account, for the first time or again.

    A follow that arrives after a later unfollow changes nothing.
    """
    identity = identify(session, appid=appid, openid=openid, unionid=unionid, kind=IdentityKind.OFFICIAL_ACCOUNT, at=at)
    identity = lock_identity(session, identity_id=identity.id)
    if identity.unfollowed_at is not None and identity.unfollowed_at > at:
        return identity
    if identity.followed_at is not None and identity.followed_at >= at:
        return identity
    was_following, identity.is_following = identity.is_following, True
    identity.followed_at, identity.follow_scene = at, scene
    if not was_following:
        _record(session, "identity.followed", identity, at)
    return identity


def note_unfollow(session: Session, *, appid: str, openid: str, at: datetime) -> None:
    """Note that a person no longer follows (取消关注); their membership is untouched."""
    identity = identify(session, appid=appid, openid=openid, unionid=None, kind=IdentityKind.OFFICIAL_ACCOUNT, at=at)
    identity = lock_identity(session, identity_id=identity.id)
    if identity.unfollowed_at is not None and identity.unfollowed_at >= at:
        return
    if identity.followed_at is not None and identity.followed_at > at:
        return
    was_following, identity.is_following, identity.unfollowed_at = identity.is_following, False, at
    if was_following:
        _record(session, "identity.unfollowed", identity, at)


def lock_identity(session: Session, *, identity_id: int) -> Identity:
    """Lock an identity, its unionid first, and return it as it is now.

    Raises:
        IdentityNotFound: there is none with this id.
    """
    unionid = get_identity(session, identity_id=identity_id).unionid
    if unionid is not None:
        lock_unionid(session, unionid)
    identity = session.scalar(
        select(Identity)
        .where(Identity.id == identity_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if identity is None:
        raise IdentityNotFound(identity_id=identity_id)
    return identity


def join_by_unionid(session: Session, *, identity: Identity, at: datetime) -> None:
    """Join a visitor to the earliest enrolled member of the same unionid, if there is one."""
    if identity.unionid is None:
        return
    members = members_by_unionid(session, unionid=identity.unionid)
    if members:
        join_member(session, identity_id=identity.id, member_id=members[0], at=at)
        session.refresh(identity)


def join_member(session: Session, *, identity_id: int, member_id: int, at: datetime) -> None:
    """Give a visitor a member, and so every visitor of the same unionid."""
    unionid = get_identity(session, identity_id=identity_id).unionid
    joins = Identity.id == identity_id
    if unionid is not None:
        joins |= Identity.unionid == unionid
    joined = session.scalars(
        update(Identity)
        .where(joins, Identity.member_id.is_(None))
        .values(member_id=member_id)
        .returning(Identity.id)
        .execution_options(synchronize_session="fetch")
    ).all()
    for joined_id in sorted(joined):
        outbox.record(session, "member.joined", {"member_id": member_id, "identity_id": joined_id}, at=at)


def _insert(session: Session, *, appid: str, openid: str, kind: IdentityKind, at: datetime) -> Identity:
    session.execute(
        insert(Identity)
        .values(appid=appid, openid=openid, kind=kind, first_seen_at=at)
        .on_conflict_do_nothing(index_elements=["appid", "openid"])
    )
    return session.scalars(select(Identity).where(Identity.appid == appid, Identity.openid == openid)).one()


def _record(session: Session, event: str, identity: Identity, at: datetime) -> None:
    payload = {"identity_id": identity.id, "member_id": identity.member_id, "appid": identity.appid}
    outbox.record(session, event, payload, at=at)
    session.flush()
