"""Counting who came by which QR code, from the pushes that tell of scans.

Pushes come doubled, late and out of order: a scan rests on its push's id, and what follows from it is worked out
anew whenever an earlier fact is learned.
"""

from datetime import datetime, timedelta

from sqlalchemy import exists, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.arrivals.models import SceneEnrolment, SceneScan
from loyalty.channels.queries import find_scene
from loyalty.members.models import Identity, Member
from loyalty.members.rules.identities import IdentityKind
from loyalty.members.service import identify
from loyalty.members.service.identities import lock_identity

COUNTS_FOR = timedelta(days=30)
"""An enrolment counts for the code that was scanned last, unless that was longer ago."""


def note_arrival(
    session: Session, *, push_id: int, appid: str, openid: str, key: str, is_follow: bool, at: datetime
) -> None:
    """Note that somebody scanned a code, or followed an Official Account with or without one.

    Call it before the follow itself is noted. A string that is not ours counts for no code; a push again changes
    nothing.
    """
    scene = find_scene(session, appid=appid, key=key) if key else None
    if scene is None and not is_follow:
        return
    identity = identify(session, appid=appid, openid=openid, unionid=None, kind=IdentityKind.OFFICIAL_ACCOUNT, at=at)
    identity = lock_identity(session, identity_id=identity.id)
    _was_following_since(session, identity, at)
    if scene is None:
        return
    session.execute(
        insert(SceneScan)
        .values(
            push_id=push_id,
            scene_id=scene.id,
            identity_id=identity.id,
            is_follow=is_follow,
            is_new_follower=is_follow and _is_first_known(session, identity, at),
            scanned_at=at,
        )
        .on_conflict_do_nothing(index_elements=[SceneScan.push_id])
    )
    if identity.member_id is not None:
        attribute_enrolment(session, member_id=identity.member_id)


def attribute_enrolment(session: Session, *, member_id: int) -> None:
    """Count a member's enrolment for the code they scanned last before it, by whichever of their identities."""
    last = session.execute(
        select(SceneScan.scene_id, SceneScan.scanned_at, Member.enrolled_at)
        .join(Identity, Identity.id == SceneScan.identity_id)
        .join(Member, Member.id == Identity.member_id)
        .where(
            Member.id == member_id,
            SceneScan.scanned_at <= Member.enrolled_at,
            SceneScan.scanned_at > Member.enrolled_at - COUNTS_FOR,
        )
        .order_by(SceneScan.scanned_at.desc(), SceneScan.id.desc())
        .limit(1)
    ).one_or_none()
    if last is None:
        return
    found = insert(SceneEnrolment).values(member_id=member_id, **last._mapping)
    session.execute(
        found.on_conflict_do_update(
            index_elements=[SceneEnrolment.member_id],
            set_={"scene_id": found.excluded.scene_id, "scanned_at": found.excluded.scanned_at},
            # Two at once may know of different scans: the later one stays.
            where=SceneEnrolment.scanned_at < found.excluded.scanned_at,
        )
    )


def _was_following_since(session: Session, identity: Identity, at: datetime) -> None:
    """Take from a later scan that it was the first: the push of an earlier one came late."""
    session.execute(
        update(SceneScan)
        .where(SceneScan.identity_id == identity.id, SceneScan.is_new_follower, SceneScan.scanned_at > at)
        .values(is_new_follower=False)
    )


def _is_first_known(session: Session, identity: Identity, at: datetime) -> bool:
    if any(known is not None and known < at for known in (identity.followed_at, identity.unfollowed_at)):
        return False
    earlier = exists().where(SceneScan.identity_id == identity.id, SceneScan.scanned_at < at)
    return not session.scalar(select(earlier))
