"""Storing pushes: each counts once, however often and however parallel WeChat tries.

What follows from a push happens later, by the event recorded with it.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.channels.models import StoredPush
from loyalty.channels.queries import PAYLOAD_CONTEXT
from loyalty.channels.rules.pushes import dedup_key, read_push
from loyalty.kernel import outbox
from loyalty.kernel.crypto import Vault
from loyalty.kernel.database import Json

_DEDUP_CONTEXT = "stored_pushes.dedup"
_OPENID_CONTEXT = "stored_pushes.openid"
KEPT_FOR = timedelta(days=30)
"""Long enough for every event to be handled and looked into; duplicates come within seconds."""


@dataclass(frozen=True, slots=True)
class Stored:
    """Whether a push is new, and what all its tries are answered."""

    is_first: bool
    reply_text: str | None


def store_push(
    session: Session,
    vault: Vault,
    *,
    appid: str,
    mode: str,
    fields: Json,
    reply_text: str | None,
    at: datetime,
) -> Stored:
    """Keep a push and let its effects follow; a repeated one changes nothing.

    A repetition is answered with the reply of the first try, whatever was set meanwhile.

    Raises:
        PushIncomplete: sender, time or type is missing.
    """
    content = read_push(fields)
    dedup_index = vault.index(f"{appid}\0{dedup_key(fields)}", context=_DEDUP_CONTEXT)
    push_id = session.scalar(
        insert(StoredPush)
        .values(
            appid=appid,
            dedup_index=dedup_index,
            openid_index=_openid_index(vault, appid, content.openid),
            kind=content.kind,
            event=content.event,
            payload_sealed=vault.seal(json.dumps(fields, ensure_ascii=False), context=PAYLOAD_CONTEXT),
            mode=mode,
            reply_text=reply_text,
            received_at=at,
        )
        .on_conflict_do_nothing(index_elements=[StoredPush.appid, StoredPush.dedup_index])
        .returning(StoredPush.id)
    )
    if push_id is None:
        same = (StoredPush.appid == appid) & (StoredPush.dedup_index == dedup_index)
        return Stored(False, session.scalar(select(StoredPush.reply_text).where(same)))
    outbox.record(session, "push.stored", {"push_id": push_id}, at=at)
    return Stored(True, reply_text)


def forget_pushes(session: Session, vault: Vault, *, appid: str, openid: str) -> int:
    """Delete everything one person's identity has sent us; return how many pushes."""
    index = _openid_index(vault, appid, openid)
    gone = session.execute(delete(StoredPush).where(StoredPush.openid_index == index).returning(StoredPush.id))
    return len(gone.all())


def purge_pushes(session: Session, *, at: datetime) -> int:
    """Delete the pushes older than ``KEPT_FOR``; return how many."""
    gone = session.execute(delete(StoredPush).where(StoredPush.received_at < at - KEPT_FOR).returning(StoredPush.id))
    return len(gone.all())


def _openid_index(vault: Vault, appid: str, openid: str) -> bytes:
    return vault.index(f"{appid}\0{openid}", context=_OPENID_CONTEXT)
