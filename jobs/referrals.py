"""Referrals: attributed when a friend enrols, settled when their time has come, paid once, undone when need be."""

from datetime import datetime

from jobs.periodic import PeriodicRun
from loyalty.channels.queries import find_scene
from loyalty.container import Container
from loyalty.kernel.database import Json, Session
from loyalty.members import queries as members
from loyalty.referrals.queries.shares import share_of_id, visitor_of
from loyalty.referrals.rules.sharing import SCENE_KIND
from loyalty.referrals.service import attribution, following, opening_rewards, openings, purchases, rewarding, settling
from loyalty.risk.rules.subjects import Occasion


def attribute(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """Store by whom a new member was invited."""
    attribution.attribute(session, vault=container.vault, member_id=payload["member_id"], at=at)


def open_by_scene(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """Count following by a QR code that carries a share as opening it."""
    identity = members.get_identity(session, identity_id=payload["identity_id"])
    scene = find_scene(session, appid=identity.appid, key=identity.follow_scene or "")
    if scene is None or scene.subject_kind != SCENE_KIND:
        return
    token = share_of_id(session, share_token_id=scene.subject_id).token
    visitor = visitor_of(session, identity_id=identity.id)
    openings.open_link(session, vault=container.vault, token=token, visitor=visitor, at=at)


def note_purchase(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """Look whether this is the purchase that an invitation waits for, or the correction of one that paid."""
    following.follow_refund(session, order_id=payload["order_id"], at=at, zone=container.zone)
    waiting = purchases.waiting_of(session, member_id=payload["member_id"])
    if waiting is not None:
        purchases.fulfil(session, referral_id=waiting, at=at)


def follow_refund(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """Take back what a refunded purchase brought the two."""
    following.follow_refund(session, order_id=payload["order_id"], at=at, zone=container.zone)


def reward(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """Pay both sides of an invitation that risk let pass."""
    rewarding.reward(session, referral_id=payload["referral_id"], at=at, zone=container.zone)


def reward_opening(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """Pay for an opening, where the programme does."""
    opening_rewards.reward_opening(
        session, vault=container.vault, opening_id=payload["opening_id"], at=at, zone=container.zone
    )


def follow_release(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """Pay what a person let go."""
    if payload["occasion"] == Occasion.REFERRAL:
        following.follow_release(
            session, vault=container.vault, decision_id=payload["decision_id"], at=at, zone=container.zone
        )
    elif payload["occasion"] == Occasion.OPENING:
        opening_id = _opening_of(payload)
        opening_rewards.reward_opening(
            session, vault=container.vault, opening_id=opening_id, at=at, zone=container.zone
        )


def follow_reversal(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """Undo what a person found to be fraud."""
    if payload["occasion"] == Occasion.REFERRAL:
        following.follow_reversal(session, decision_id=payload["decision_id"], at=at, zone=container.zone)
    elif payload["occasion"] == Occasion.OPENING:
        opening_rewards.reverse_opening(session, opening_id=_opening_of(payload), at=at, zone=container.zone)


def follow_merge(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """End the invitations between members who turned out to be one person."""
    following.follow_merge(session, member_id=payload["survivor_id"], at=at, zone=container.zone)


def settle_referrals(periodic: PeriodicRun) -> Json:
    """Let risk look at the invitations whose time has come, and pay what waited for a channel to be on again."""
    container = periodic.container

    def now() -> datetime:
        return container.clock.now()

    settled = periodic.each_of(
        lambda session, after: settling.due(session, after_id=after, at=now()),
        lambda session, one: settling.settle(
            session, vault=container.vault, referral_id=one, at=now(), zone=container.zone
        ),
    )
    rewarded = periodic.each_of(
        lambda session, after: settling.owed(session, after_id=after),
        lambda session, one: rewarding.reward(session, referral_id=one, at=now(), zone=container.zone),
    )
    opened = periodic.each_of(
        lambda session, after: opening_rewards.waiting(session, after_id=after),
        lambda session, one: opening_rewards.reward_opening(
            session, vault=container.vault, opening_id=one, at=now(), zone=container.zone
        ),
    )
    lapsed = periodic.in_pages(lambda session: settling.lapse(session, at=now()))
    return {"settled": settled, "rewarded": rewarded, "opened": opened, "lapsed": lapsed}


def _opening_of(payload: Json) -> int:
    return int(payload["reference"].partition(":")[2])
