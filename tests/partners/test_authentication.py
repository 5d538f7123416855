"""Who signed a request: in time, once, and with a secret that is still good."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from loyalty.kernel.database import Database
from loyalty.partners.models import PartnerNonce
from loyalty.partners.queries import PartnerKeyView
from loyalty.partners.rules.keys import NoOldSecret, PartnerCaller, RotationUnderWay
from loyalty.partners.rules.signatures import (
    NonceUsed,
    SignatureInvalid,
    SignatureMissing,
    SignatureOutdated,
    SignedRequest,
    sign,
)
from loyalty.partners.service import keys
from loyalty.partners.service.authentication import authenticate
from loyalty.partners.service.housekeeping import purge_traces
from tests.factories.partners import ACTOR, approve, make_key
from tests.factories.stores import make_headquarters, make_store
from tests.support.settings import VAULT
from tests.support.statements import StatementCounter


@pytest.fixture
def made(session: Session) -> tuple[PartnerKeyView, str]:
    made = make_key(session, [make_store(session)])
    session.commit()
    return made


def signed(key: PartnerKeyView, secret: str, at: datetime, nonce: str = "n" * 16) -> SignedRequest:
    timestamp, target = str(int(at.timestamp())), "/partner/v1/statement?on=2026-03-10"
    signature = sign(secret, method="GET", target=target, timestamp=timestamp, nonce=nonce, body=b"")
    return SignedRequest(key.key_id, timestamp, nonce, signature, "GET", target, b"")


def admit(database: Database, request: SignedRequest, at: datetime) -> PartnerCaller:
    return authenticate(database, vault=VAULT, request=request, at=at)


class TestAuthenticate:
    def test_says_whose_key_it_is_and_where_it_acts(
        self, database: Database, session: Session, made: tuple[PartnerKeyView, str], at: datetime
    ) -> None:
        caller = admit(database, signed(*made, at), at)

        assert (caller.id, caller.name) == (made[0].id, made[0].name)
        assert list(caller.roots) == list(made[0].scope_ids)
        assert not caller.is_chain_wide

    def test_a_key_of_headquarters_acts_for_the_whole_chain(
        self, database: Database, session: Session, at: datetime
    ) -> None:
        made = make_key(session, [make_headquarters(session)])
        session.commit()

        assert admit(database, signed(*made, at), at).is_chain_wide

    def test_is_one_statement_once_the_secret_is_known(
        self, database: Database, made: tuple[PartnerKeyView, str], at: datetime, statements: StatementCounter
    ) -> None:
        admit(database, signed(*made, at), at)
        statements.clear()

        admit(database, signed(*made, at, nonce="m" * 16), at)

        assert statements.count == 1, statements.sent

    @pytest.mark.parametrize("seconds", [-301, 301, 10**9])
    def test_refuses_a_time_outside_the_window(
        self, database: Database, made: tuple[PartnerKeyView, str], at: datetime, seconds: int
    ) -> None:
        with pytest.raises(SignatureOutdated):
            admit(database, signed(*made, at + timedelta(seconds=seconds)), at)

    @pytest.mark.parametrize("seconds", [-300, 300])
    def test_takes_a_time_at_the_edge_of_the_window(
        self, database: Database, made: tuple[PartnerKeyView, str], at: datetime, seconds: int
    ) -> None:
        assert admit(database, signed(*made, at + timedelta(seconds=seconds)), at).id == made[0].id

    def test_refuses_the_same_request_a_second_time(
        self, database: Database, made: tuple[PartnerKeyView, str], at: datetime
    ) -> None:
        admit(database, signed(*made, at), at)

        with pytest.raises(NonceUsed):
            admit(database, signed(*made, at), at + timedelta(seconds=200))

    def test_a_nonce_is_one_keys_own(
        self, database: Database, session: Session, made: tuple[PartnerKeyView, str], at: datetime
    ) -> None:
        other = make_key(session, [make_store(session)])
        session.commit()
        admit(database, signed(*made, at), at)

        assert admit(database, signed(*other, at), at).id == other[0].id

    @pytest.mark.parametrize(
        "change",
        [
            {"method": "POST"},
            {"target": "/partner/v1/statement?on=2026-03-11"},
            {"body": b"{}"},
            {"nonce": "x" * 16},
            {"signature": "0" * 64},
            {"key_id": "pk_0123456789abcdef"},
        ],
    )
    def test_a_change_of_any_part_is_one_and_the_same_refusal_and_uses_up_nothing(
        self,
        database: Database,
        session: Session,
        made: tuple[PartnerKeyView, str],
        at: datetime,
        change: dict[str, object],
    ) -> None:
        request = signed(*made, at)
        with pytest.raises(SignatureInvalid):
            admit(database, replace(request, **change), at)  # type: ignore[arg-type]

        assert session.scalar(select(func.count()).select_from(PartnerNonce)) == 0
        assert admit(database, request, at).id == made[0].id

    @pytest.mark.parametrize(
        "change",
        [
            {"key_id": ""},
            {"key_id": "pk_' OR 1=1"},
            {"timestamp": "-1"},
            {"timestamp": "９" * 10},
            {"nonce": "short"},
            {"nonce": "n" * 65},
            {"signature": "G" * 64},
        ],
    )
    def test_a_header_of_another_form_is_refused_before_anything_is_looked_up(
        self, database: Database, made: tuple[PartnerKeyView, str], at: datetime, change: dict[str, str]
    ) -> None:
        with pytest.raises(SignatureMissing):
            admit(database, replace(signed(*made, at), **change), at)  # type: ignore[arg-type]


class TestRotation:
    def rotated(self, session: Session, key: PartnerKeyView, at: datetime) -> str:
        _, fresh = keys.propose_rotation(session, vault=VAULT, partner_key_id=key.id, actor=ACTOR, at=at)
        approve(session, key, at=at)
        session.commit()
        return fresh

    def test_both_secrets_are_good_for_a_week_and_then_the_new_one(
        self, database: Database, session: Session, made: tuple[PartnerKeyView, str], at: datetime
    ) -> None:
        key, old = made
        admit(database, signed(key, old, at), at)
        fresh = self.rotated(session, key, at)
        later = at + timedelta(days=7)

        for number, secret in enumerate((old, fresh)):
            assert admit(database, signed(key, secret, at, nonce=f"{number}" * 16), at).id == key.id
        assert admit(database, signed(key, fresh, later, nonce="a" * 16), later).id == key.id
        with pytest.raises(SignatureInvalid):
            admit(database, signed(key, old, later, nonce="b" * 16), later)

    def test_the_old_secret_can_be_ended_at_once(
        self, database: Database, session: Session, made: tuple[PartnerKeyView, str], at: datetime
    ) -> None:
        key, old = made
        admit(database, signed(key, old, at), at)
        self.rotated(session, key, at)
        keys.end_old_secret(session, partner_key_id=key.id, actor=ACTOR, at=at)
        session.commit()

        with pytest.raises(SignatureInvalid):
            admit(database, signed(key, old, at, nonce="b" * 16), at)
        with pytest.raises(NoOldSecret):
            keys.end_old_secret(session, partner_key_id=key.id, actor=ACTOR, at=at)

    def test_there_are_never_three(self, session: Session, made: tuple[PartnerKeyView, str], at: datetime) -> None:
        self.rotated(session, made[0], at)

        with pytest.raises(RotationUnderWay):
            self.rotated(session, made[0], at + timedelta(days=6))

    def test_a_key_that_was_switched_off_ends_with_its_next_request(
        self, database: Database, session: Session, made: tuple[PartnerKeyView, str], at: datetime
    ) -> None:
        key, secret = made
        admit(database, signed(key, secret, at), at)
        keys.switch_off(session, partner_key_id=key.id, actor=ACTOR, at=at)
        session.commit()

        with pytest.raises(SignatureInvalid):
            admit(database, signed(key, secret, at, nonce="b" * 16), at)


def test_nonces_are_forgotten_only_after_their_request_can_no_longer_be_sent(
    database: Database, session: Session, made: tuple[PartnerKeyView, str], at: datetime
) -> None:
    ahead = at + timedelta(minutes=5)
    admit(database, signed(*made, ahead), at)
    still_valid = ahead + timedelta(minutes=5)

    assert purge_traces(session, at=still_valid) == 0
    with pytest.raises(NonceUsed):
        admit(database, signed(*made, ahead), still_valid)
    assert purge_traces(session, at=still_valid + timedelta(minutes=6)) == 1
