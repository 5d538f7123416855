"""Each member's own key, for what is written about them where nothing is ever edited.

The audit log and stored answers keep personal words only under this key; erasing a member destroys
the key, and with it every copy, backups of the log included. The key itself is sealed by the vault.
"""

import base64
import os
from datetime import datetime

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.kernel.crypto import Vault
from loyalty.members.models import MemberKey

_KEY_BYTES, _NONCE_BYTES = 32, 12
_CONTEXT = "member_keys.key"


def seal_for_member(session: Session, *, vault: Vault, member_id: int, plain: str, context: str, at: datetime) -> bytes:
    """Seal a text under a member's own key, made at the first need."""
    nonce = os.urandom(_NONCE_BYTES)
    key = _key(session, vault, member_id) or _make(session, vault, member_id, at)
    return nonce + AESGCM(key).encrypt(nonce, plain.encode(), context.encode())


def open_for_member(session: Session, *, vault: Vault, member_id: int, sealed: bytes, context: str) -> str | None:
    """Open a text sealed under a member's own key; None once the member was erased."""
    key = _key(session, vault, member_id)
    if key is None:
        return None
    return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context.encode()).decode()


def _make(session: Session, vault: Vault, member_id: int, at: datetime) -> bytes:
    fresh = base64.b64encode(os.urandom(_KEY_BYTES)).decode()
    session.execute(
        insert(MemberKey)
        .values(member_id=member_id, key_sealed=vault.seal(fresh, context=_CONTEXT), made_at=at)
        .on_conflict_do_nothing(index_elements=["member_id"])
    )
    key = _key(session, vault, member_id)
    assert key is not None, "inserted by us or by whoever was faster"
    return key


def _key(session: Session, vault: Vault, member_id: int) -> bytes | None:
    sealed = session.scalar(select(MemberKey.key_sealed).where(MemberKey.member_id == member_id))
    return None if sealed is None else base64.b64decode(vault.open(sealed, context=_CONTEXT))
