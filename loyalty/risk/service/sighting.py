"""Sightings (出现记录): who was seen where, as blind indexes, for signals to be counted from."""

from datetime import datetime

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session

from loyalty.kernel.crypto import Vault
from loyalty.kernel.prepared import send
from loyalty.members.models import Member
from loyalty.risk.models import Sighting
from loyalty.risk.rules.signals import RANKS
from loyalty.risk.rules.subjects import Occasion, Subject

DEVICE, IP, PHONE = "risk.device", "risk.ip", "members.phone"
"""Contexts of the blind indexes; a phone has the one of the member's row, so that both are found by one."""
_NOTED = ("occasion", "member_id", "identity_id", "device_index", "ip_index", "wechat_rank", "seen_at")
_NOTE = insert(Sighting).values({name: bindparam(name) for name in _NOTED}).returning(Sighting.id)


def note_sighting(session: Session, *, vault: Vault, occasion: Occasion, subject: Subject, at: datetime) -> None:
    """Keep where somebody was seen; nothing is kept of who was seen nowhere."""
    if subject.device is None and subject.ip is None and subject.wechat_rank is None:
        return
    sighting = {
        "occasion": occasion,
        "member_id": subject.member_id,
        "identity_id": subject.identity_id,
        "device_index": _index(vault, subject.device, DEVICE),
        "ip_index": _index(vault, subject.ip, IP),
        "wechat_rank": None if subject.wechat_rank is None else RANKS[subject.wechat_rank],
        "seen_at": at,
    }
    send(session, _NOTE, sighting)


def places_of(vault: Vault, *, subject: Subject) -> list[bytes]:
    """Return the blind indexes of where somebody is now, as the blocklist knows them."""
    places = (_index(vault, subject.device, DEVICE), _index(vault, subject.ip, IP))
    return [place for place in places if place is not None]


def note_phone(session: Session, *, member_id: int, at: datetime) -> None:
    """Remember which phone a member has now, so that it is known again when they have another; twice is harmless."""
    own = select(Member.phone_index).where(Member.id == member_id).scalar_subquery()
    phone_index = session.scalar(select(own))
    known = select(Sighting.id).where(Sighting.member_id == member_id, Sighting.phone_index == phone_index)
    if phone_index is None or session.scalar(select(known.exists())):
        return
    session.execute(
        insert(Sighting).values(occasion=Occasion.ENROLMENT, member_id=member_id, phone_index=phone_index, seen_at=at)
    )


def recognise(session: Session, *, identity_id: int, member_id: int) -> None:
    """Let the sightings of a visitor be those of the member who they turned out to be."""
    session.execute(
        update(Sighting)
        .where(Sighting.identity_id == identity_id, Sighting.member_id.is_(None))
        .values(member_id=member_id)
        .execution_options(synchronize_session=False)
    )


def _index(vault: Vault, value: str | None, context: str) -> bytes | None:
    return None if value is None else vault.index(value, context=context)
