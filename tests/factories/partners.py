"""Partner keys for tests."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from loyalty.kernel.audit import Actor
from loyalty.partners.queries import PartnerKeyView
from loyalty.partners.rules.keys import KeyDetails
from loyalty.partners.service import keys
from loyalty.partners.service.key_changes import decide_change
from loyalty.stores.models import Store
from tests.support.settings import VAULT

ACTOR, CHECKER = Actor("staff:1001"), Actor("staff:1002")
_AT = datetime(2026, 1, 1, tzinfo=UTC)


def make_key(
    session: Session, stores: Sequence[Store], *, requests_per_minute: int = 60_000, name: str = "收银系统"
) -> tuple[PartnerKeyView, str]:
    """Return a new key for some nodes of the tree, approved, and its secret."""
    details = KeyDetails(name, requests_per_minute, frozenset(store.id for store in stores))
    view, secret = keys.create_key(session, vault=VAULT, details=details, actor=ACTOR, at=_AT)
    approve(session, view)
    return view, secret


def approve(session: Session, key: PartnerKeyView, *, is_approved: bool = True, at: datetime = _AT) -> None:
    """Decide on what waits about a key, as another person."""
    decide_change(session, partner_key_id=key.id, is_approved=is_approved, actor=CHECKER, at=at)
