"""The history of the demo members, told to the services act by act at the time it is said to have happened.

What follows from the acts, an account and growth, is done here as well, so that the seed can drop their events and
nobody gets messages about the past.
"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from loyalty.check_ins.service import check_in
from loyalty.container import Container
from loyalty.kernel.transaction import run
from loyalty.members import queries, service
from loyalty.members.rules.consents import REQUIRED_PURPOSES, ConsentGiven, Purpose
from loyalty.members.rules.identities import Door
from loyalty.points import service as points
from loyalty.points.rules import InsufficientPoints
from loyalty.points.rules.expiry import LotTerms
from loyalty.tiers import service as tiers
from portal.demo.people import Act, ActKind, DemoMember
from portal.demo.promoter import account_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

ACTOR = "system:demo_seed"
PURCHASE_POINTS_LIVE = timedelta(days=365)


def enrol_members(
    session: "Session", container: Container, *, members: list[DemoMember], store_ids: Mapping[str, int]
) -> dict[str, int]:
    """Enrol those who are not there yet; return the ids of the new ones by openid."""
    consents = {text.purpose: ConsentGiven(text.purpose, text.version) for text in queries.current_texts(session)}
    appid, kind = account_of(container)
    enrolled: dict[str, int] = {}
    for member in members:
        if queries.find_identity(session, appid=appid, openid=member.openid) is not None:
            continue
        wanted = REQUIRED_PURPOSES | ({Purpose.MARKETING} if member.takes_marketing else set())
        identity = service.identify(
            session, appid=appid, openid=member.openid, unionid=None, kind=kind, at=member.enrolled_at
        )
        outcome = service.bind_by_wechat_phone(
            session,
            vault=container.vault,
            identity_id=identity.id,
            phone=member.phone,
            consents=[consents[purpose] for purpose in sorted(wanted)],
            store_id=None if member.store_code is None else store_ids[member.store_code],
            at=member.enrolled_at,
        )
        if outcome.member_id is None:
            continue  # the phone is somebody else's by now
        points.open_account(session, member_id=outcome.member_id, at=member.enrolled_at)
        _tell_profile(session, container, member, outcome.member_id)
        _come_back(session, member, identity.id)
        enrolled[member.openid] = outcome.member_id
    return enrolled


def live_through(container: Container, *, member: DemoMember, member_id: int, store_ids: Mapping[str, int]) -> None:
    """Let one member do what they did, with the growth it brings."""
    growth = 0
    for number, act in enumerate(member.acts, start=1):
        if act.kind is ActKind.CHECK_IN:
            done = check_in(container.database, member_id=member_id, zone=container.zone, at=act.at)
            growth += done.growth
        else:
            _post(container, member_id, act, f"demo:{number}", store_ids)
            growth += act.points if act.kind is ActKind.PURCHASE else 0
    last_at = member.acts[-1].at if member.acts else member.enrolled_at
    run(
        container.database,
        lambda session: tiers.review(session, member_id=member_id, growth=growth, reference="demo:history", at=last_at),
    )


def _post(container: Container, member_id: int, act: Act, reference: str, store_ids: Mapping[str, int]) -> None:
    store_id = None if act.store_code is None else store_ids[act.store_code]
    with suppress(InsufficientPoints):  # they wanted more than they had
        run(container.database, lambda session: _write(session, member_id, act, reference, store_id))


def _write(session: "Session", member_id: int, act: Act, reference: str, store_id: int | None) -> None:
    if act.kind is ActKind.ADJUST:
        told = {"rule": "adjustment", "reason": "service_recovery"}
        points.adjust(
            session,
            member_id=member_id,
            points=act.points,
            reference=reference,
            explanation=told,
            at=act.at,
            actor=ACTOR,
            store_id=store_id,
        )
    elif act.kind is ActKind.SPEND:
        points.spend(
            session,
            member_id=member_id,
            points=act.points,
            reference=reference,
            explanation={"rule": "spend"},
            occurred_at=act.at,
            at=act.at,
            store_id=store_id,
            actor=ACTOR,
        )
    else:
        points.earn(
            session,
            member_id=member_id,
            points=act.points,
            reference=reference,
            explanation={"rule": "purchase"},
            occurred_at=act.at,
            at=act.at,
            store_id=store_id,
            actor=ACTOR,
            terms=LotTerms(expires_at=act.at + PURCHASE_POINTS_LIVE),
        )


def _tell_profile(session: "Session", container: Container, member: DemoMember, member_id: int) -> None:
    if member.nickname is not None:
        service.set_nickname(
            session, vault=container.vault, member_id=member_id, nickname=member.nickname, at=member.enrolled_at
        )
    if member.birthday is not None:
        service.set_birthday(
            session,
            vault=container.vault,
            member_id=member_id,
            birthday=member.birthday,
            zone=container.zone,
            at=member.enrolled_at,
        )


def _come_back(session: "Session", member: DemoMember, identity_id: int) -> None:
    """Open the mini program at the last act, which is when the member was active last."""
    if member.acts:
        service.open_session(session, identity_id=identity_id, door=Door.MINI_PROGRAM, at=member.acts[-1].at)
