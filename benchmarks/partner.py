"""A partner's till for the bench: a store, its key, one earning rule, and members whom the key may name."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg
from sqlalchemy.orm import Session

from benchmarks.over_http import Request
from benchmarks.stand import Shop
from benchmarks.wire import NUMBER, SIGNATURE, nonce_of
from loyalty.earning.rules import Definition, EarningEvent, PerAmount
from loyalty.earning.service.rules import create_rule, publish
from loyalty.kernel.audit import Actor
from loyalty.kernel.crypto import Vault
from loyalty.kernel.transaction import run
from loyalty.partners.rules.keys import REQUESTS_PER_MINUTE_MAX, KeyDetails
from loyalty.partners.service.key_changes import decide_change
from loyalty.partners.service.keys import create_key
from loyalty.stores.rules import StoreKind
from loyalty.stores.service import create_store

STORE_CODE = "BENCH001"
_MAKER, _CHECKER = Actor("system:bench"), Actor("system:bench-checker")
_REFS = """INSERT INTO member_refs (token, partner_key_id, member_id, is_introduced, opened_at, expires_at)
SELECT 'bench-ref-' || to_char(n, 'FM0000000000'), %s, n, true, now(), now() + interval '1 day'
FROM generate_series(1, %s) AS n"""


@dataclass(frozen=True)
class Till:
    """What a till knows: its key, and the ids that a script needs to write the same rows."""

    key_id: str
    secret: str
    partner_key_id: int
    store_id: int
    revision_id: int

    def request(self, path: str, *, body: str, status: int) -> Request:
        """Return a signed request for the member of each number."""
        headers = (f"Partner-Nonce: {nonce_of(NUMBER)}", f"Partner-Signature: {SIGNATURE}")
        return Request(
            method="POST",
            path=path,
            status=status,
            body=body,
            headers=headers,
            authorization=f"Partner-Key: {self.key_id}",
            secret=self.secret,
        )


def ref_of(number: str = NUMBER) -> str:
    """Return how the key names a member."""
    return f"bench-ref-{number}"


def open_till(shop: Shop, *, members: int) -> Till:
    """Set up a till in a shop, with a rule that pays a point for each yuan, and references for the first members."""
    at = datetime.now(UTC) - timedelta(minutes=1)
    vault = Vault(shop.settings.data_keys, shop.settings.index_key)
    till = run(shop.database, lambda session: _open(session, vault, at))
    with psycopg.connect(shop.conninfo) as connection:
        connection.execute(_REFS, (till.partner_key_id, members))
    return till


def _open(session: Session, vault: Vault, at: datetime) -> Till:
    headquarters = _store(session, StoreKind.HEADQUARTERS, None, "BENCH000", at)
    store = _store(session, StoreKind.STORE, headquarters, STORE_CODE, at)
    details = KeyDetails("收银系统", REQUESTS_PER_MINUTE_MAX, frozenset({store}))
    key, secret = create_key(session, vault=vault, details=details, actor=_MAKER, at=at)
    decide_change(session, partner_key_id=key.id, is_approved=True, actor=_CHECKER, at=at)
    return Till(key.key_id, secret, key.id, store, _rule(session, at))


def _store(session: Session, kind: StoreKind, parent_id: int | None, code: str, at: datetime) -> int:
    store = create_store(session, kind=kind, parent_id=parent_id, code=code, name=code, actor=_MAKER, at=at)
    session.flush()
    return store.id


def _rule(session: Session, at: datetime) -> int:
    definition = Definition(event=EarningEvent.PURCHASE, points=PerAmount(1, 100))
    rule_id = create_rule(
        session, name="消费积分", definition=definition, starts_at=None, ends_at=None, actor=_MAKER, at=at
    )
    return publish(session, rule_id=rule_id, actor=_MAKER, at=at)
