"""Who is about to bind a phone: seen where, with WeChat's opinion where somebody invited them, and by which code."""

from contextlib import suppress
from datetime import datetime

from sqlalchemy.orm import Session

from loyalty.gateways.answers import RiskRank
from loyalty.gateways.protocols import MiniProgram
from loyalty.kernel.checking import is_tidy
from loyalty.kernel.crypto import Vault
from loyalty.kernel.database import Database
from loyalty.kernel.transaction import run
from loyalty.members.queries import get_identity
from loyalty.referrals.queries.shares import first_touch, keys_of_identity, visitor_of
from loyalty.referrals.rules.sharing import ShareTokenNotFound
from loyalty.referrals.service.openings import open_link, person_indexes
from loyalty.risk.rules.subjects import Occasion, Subject
from loyalty.risk.service import note_sighting

DEVICE_LENGTH_MAX = 64


def note_arrival(
    database: Database,
    *,
    vault: Vault,
    identity_id: int,
    device: str | None,
    ip: str,
    mini_program: MiniProgram | None = None,
    referral_code: str = "",
    at: datetime,
) -> None:
    """Keep what risk has to know of a visitor before they become a member; call it outside any transaction.

    WeChat is asked about people whom somebody invited, and only through a mini program. A referral code that nobody
    has is passed over: it must not keep anybody from enrolling.
    """
    device = device if device is not None and is_tidy(device, DEVICE_LENGTH_MAX) else None
    openid = run(database, lambda session: _invited(session, vault, identity_id, device, ip, referral_code, at))
    rank: RiskRank | None = None
    if openid is not None and mini_program is not None:
        rank = mini_program.risk_rank(openid=openid, scene="enrolment", ip=ip)
    seen = Subject(None, identity_id, device=device, ip=ip, wechat_rank=rank)
    run(
        database,
        lambda session: note_sighting(session, vault=vault, occasion=Occasion.ENROLMENT, subject=seen, at=at),
    )


def _invited(
    session: Session,
    vault: Vault,
    identity_id: int,
    device: str | None,
    ip: str,
    referral_code: str,
    at: datetime,
) -> str | None:
    """Count the code as an opening; return the openid of who was invited by whatever means, None of others."""
    if referral_code:
        visitor = visitor_of(session, identity_id=identity_id, device=device, ip=ip)
        with suppress(ShareTokenNotFound):
            open_link(session, vault=vault, token=referral_code, visitor=visitor, at=at)
    keys = keys_of_identity(session, identity_id=identity_id)
    if first_touch(session, person_indexes=person_indexes(vault, keys)) is None:
        return None
    return get_identity(session, identity_id=identity_id).openid
