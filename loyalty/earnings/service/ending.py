"""The end of an account: moved to the survivor of a merge (合并转移), or given up with the membership (放弃)."""

from datetime import datetime

from sqlalchemy.orm import Session

from loyalty.earnings import queries
from loyalty.earnings.posting import Entry, Posting, lock_accounts, post
from loyalty.earnings.rules import Balance, EarningsKind, joined
from loyalty.earnings.service.accounts import SYSTEM, known, lock
from loyalty.kernel.database import Json


def forfeit(session: Session, *, member_id: int, reference: str, at: datetime, actor: str = SYSTEM) -> Posting | None:
    """Give up all that an account holds, pending or not, with the membership (放弃); nothing when there is none."""
    if queries.balance(session, member_id=member_id) == Balance():
        return None
    before = lock(session, member_id=member_id, at=at)
    if replayed := known(session, member_id, EarningsKind.FORFEIT, reference):
        return replayed
    held_fen = before.pending_fen + before.available_fen
    if not held_fen:
        return None
    after = Balance(owed_fen=before.owed_fen)
    told: Json = {"reason": "closing"}
    entry = Entry(member_id, EarningsKind.FORFEIT, held_fen, before, after, reference, told, at, actor)
    return post(session, [entry], at=at)[0]


def transfer(session: Session, *, from_member_id: int, to_member_id: int, reference: str, at: datetime) -> int:
    """Move all that a merged member has and owes to the survivor, by one entry on each side; return the net amount.

    Again it moves nothing: nothing is left.
    """
    if queries.balance(session, member_id=from_member_id) == Balance():
        return 0
    held = lock_accounts(session, member_ids=[from_member_id, to_member_id], at=at)
    leaving, arriving = held[from_member_id], held[to_member_id]
    amount_fen = abs(leaving.net_fen)
    kind = EarningsKind.TRANSFER
    out = Entry(
        from_member_id, kind, amount_fen, leaving, Balance(), reference, {"to_member_id": to_member_id}, at, SYSTEM
    )
    come = Entry(
        to_member_id,
        kind,
        amount_fen,
        arriving,
        joined(arriving, leaving),
        reference,
        {"from_member_id": from_member_id},
        at,
        SYSTEM,
    )
    post(session, [out, come], at=at)
    return leaving.net_fen
