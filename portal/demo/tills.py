"""The systems of the demo chain that report to us (接入密钥), and points as money (积分抵现) at their tills."""

from collections.abc import Mapping
from datetime import datetime

from loyalty.checkout import queries as checkout
from loyalty.checkout.rules import CheckoutPolicy
from loyalty.checkout.service import save_policy
from loyalty.container import Container
from loyalty.kernel.audit import Actor
from loyalty.kernel.database import Session
from loyalty.partners import queries
from loyalty.partners.rules.keys import REQUESTS_PER_MINUTE, KeyDetails, source_of
from loyalty.partners.service.key_changes import decide_change
from loyalty.partners.service.keys import create_key
from portal.demo.chain import ACTOR, HEADQUARTERS

TILLS, SHOP = "门店收银系统", "网上商城"


def seed_points_as_money(session: Session, *, at: datetime) -> bool:
    """Let points pay at the tills, where nobody has set yet whether they do."""
    if checkout.list_policies(session, limit=1):
        return False
    save_policy(session, policy=CheckoutPolicy(is_accepting_points=True), actor=ACTOR, at=at)
    return True


def seed_keys(
    session: Session, container: Container, *, store_ids: Mapping[str, int], approver: Actor, at: datetime
) -> str:
    """Make a key for the tills, and one that waits for approval, where there is none; return how the tills report.

    Nobody is shown their secrets: whoever wants to sign with a key rotates it.
    """
    known = {key.name: key.id for key in queries.list_keys(session, at=at)}
    if not known:
        known = {name: _make(session, container, name, store_ids[HEADQUARTERS], at) for name in (TILLS, SHOP)}
        decide_change(session, partner_key_id=known[TILLS], is_approved=True, actor=approver, at=at)
    return source_of(known.get(TILLS, 0))


def _make(session: Session, container: Container, name: str, store_id: int, at: datetime) -> int:
    details = KeyDetails(name, REQUESTS_PER_MINUTE, frozenset({store_id}))
    key, _secret = create_key(session, vault=container.vault, details=details, actor=ACTOR, at=at)
    return key.id
