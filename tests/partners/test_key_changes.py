"""Two people for whatever opens a door: a key, a new secret, other stores."""

from datetime import datetime
from itertools import count

import pytest
from sqlalchemy.orm import Session

from loyalty.approvals.rules import ApprovalByMaker, ApprovalWaiting
from loyalty.kernel import audit
from loyalty.kernel.database import Database
from loyalty.partners import queries
from loyalty.partners.queries import PartnerKeyView
from loyalty.partners.rules.keys import InvalidPartnerKey, KeyDetails, NoKeyChange
from loyalty.partners.rules.signatures import SignatureInvalid
from loyalty.partners.service import keys
from loyalty.partners.service.authentication import authenticate
from loyalty.partners.service.key_changes import decide_change
from loyalty.stores.models import Store
from tests.factories.partners import ACTOR, approve
from tests.factories.stores import make_store
from tests.partners.test_authentication import signed
from tests.support.settings import VAULT

_numbers = count(1)


@pytest.fixture
def store(session: Session) -> Store:
    return make_store(session)


@pytest.fixture
def asked(session: Session, store: Store, at: datetime) -> tuple[PartnerKeyView, str]:
    """A new key that waits."""
    details = KeyDetails("收银系统", 600, frozenset({store.id}))
    return keys.create_key(session, vault=VAULT, details=details, actor=ACTOR, at=at)


def is_let_in(database: Database, session: Session, made: tuple[PartnerKeyView, str], at: datetime) -> bool:
    session.commit()
    try:
        authenticate(database, vault=VAULT, request=signed(*made, at, nonce=f"{next(_numbers):032d}"), at=at)
    except SignatureInvalid:
        return False
    return True


def test_a_new_key_works_once_another_person_has_approved_it(
    database: Database, session: Session, asked: tuple[PartnerKeyView, str], at: datetime
) -> None:
    assert not is_let_in(database, session, asked, at)

    approve(session, asked[0], at=at)

    assert is_let_in(database, session, asked, at)


def test_nobody_approves_what_they_asked_for(session: Session, asked: tuple[PartnerKeyView, str], at: datetime) -> None:
    with pytest.raises(ApprovalByMaker):
        decide_change(session, partner_key_id=asked[0].id, is_approved=True, actor=ACTOR, at=at)


def test_a_key_that_was_refused_never_works(
    database: Database, session: Session, asked: tuple[PartnerKeyView, str], at: datetime
) -> None:
    approve(session, asked[0], is_approved=False, at=at)
    keys.propose_switching_on(session, partner_key_id=asked[0].id, actor=ACTOR, at=at)
    approve(session, asked[0], at=at)

    assert not is_let_in(database, session, asked, at)


def test_a_new_secret_that_was_refused_leaves_the_old_one_as_it_was(
    database: Database, session: Session, asked: tuple[PartnerKeyView, str], at: datetime
) -> None:
    key, old = asked
    approve(session, key, at=at)
    _, fresh = keys.propose_rotation(session, vault=VAULT, partner_key_id=key.id, actor=ACTOR, at=at)
    assert not is_let_in(database, session, (key, fresh), at)

    approve(session, key, is_approved=False, at=at)

    assert not is_let_in(database, session, (key, fresh), at)
    assert is_let_in(database, session, (key, old), at)
    assert queries.get_key(session, partner_key_id=key.id, at=at).old_secret_ends_at is None


def test_other_stores_count_once_they_are_approved_and_say_so_in_the_log(
    session: Session, asked: tuple[PartnerKeyView, str], at: datetime
) -> None:
    key, other = asked[0], make_store(session)
    approve(session, key, at=at)
    details = KeyDetails("新收银系统", 60, frozenset({other.id}))
    keys.propose_update(session, partner_key_id=key.id, details=details, actor=ACTOR, at=at)
    assert list(queries.get_key(session, partner_key_id=key.id, at=at).scope_ids) == list(key.scope_ids)

    approve(session, key, at=at)

    changed = queries.get_key(session, partner_key_id=key.id, at=at)
    assert (changed.name, changed.requests_per_minute, list(changed.scope_ids)) == ("新收银系统", 60, [other.id])
    entry = next(one for one in audit.list_entries(session, subject=key.subject) if one.action == "partners.update_key")
    assert (entry.before or {})["store_ids"] == list(key.scope_ids)
    assert (entry.after or {})["store_ids"] == [other.id]


def test_one_change_waits_at_a_time_and_is_decided_once(
    session: Session, asked: tuple[PartnerKeyView, str], at: datetime
) -> None:
    with pytest.raises(ApprovalWaiting):
        keys.propose_rotation(session, vault=VAULT, partner_key_id=asked[0].id, actor=ACTOR, at=at)
    approve(session, asked[0], at=at)

    with pytest.raises(NoKeyChange):
        approve(session, asked[0], at=at)


def test_no_secret_is_ever_in_the_log(session: Session, asked: tuple[PartnerKeyView, str], at: datetime) -> None:
    key, secret = asked
    approve(session, key, at=at)
    _, fresh = keys.propose_rotation(session, vault=VAULT, partner_key_id=key.id, actor=ACTOR, at=at)

    told = str([(entry.before, entry.after) for entry in audit.list_entries(session, subject=key.subject)])

    assert "key_id" in told
    assert secret not in told
    assert fresh not in told


@pytest.mark.parametrize(
    "change",
    [{"name": ""}, {"name": "x" * 61}, {"name": "a\nb"}, {"requests_per_minute": 0}, {"store_ids": frozenset()}],
)
def test_a_key_that_could_not_be_used_is_refused(
    session: Session, store: Store, at: datetime, change: dict[str, object]
) -> None:
    values: dict[str, object] = {"name": "收银", "requests_per_minute": 1, "store_ids": frozenset({store.id})}

    with pytest.raises(InvalidPartnerKey):
        keys.create_key(
            session, vault=VAULT, details=KeyDetails(**values | change), actor=ACTOR, at=at,  # type: ignore[arg-type]
        )  # fmt: skip
