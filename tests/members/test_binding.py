"""Binding, whoever binds: consent, bad input, and how the holder of a phone is found."""

from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from loyalty.kernel.crypto import Vault
from loyalty.members import queries, service
from loyalty.members.rules.consents import ConsentGiven, ConsentMissing, Purpose
from loyalty.members.rules.identities import IdentityNotFound
from loyalty.members.rules.phones import PhoneInvalid
from tests.factories.members import (
    make_consents,
    make_identity,
    unused_phone,
)
from tests.members.conftest import Counter
from tests.support.settings import OA_APPID


class TestConsent:
    def test_is_needed_before_anything_else(self, counter: Counter, session: Session) -> None:
        with pytest.raises(ConsentMissing):
            counter.bind(make_identity(session), unused_phone(), consents=[])

        assert counter.count() == 0

    def test_names_version_channel_and_the_text_that_was_shown(
        self, counter: Counter, session: Session, at: datetime
    ) -> None:
        outcome = counter.bind(make_identity(session), unused_phone(), consents=make_consents(Purpose.MARKETING))

        assert outcome.member_id
        log = queries.consents_of(session, member_id=outcome.member_id)
        assert {consent.purpose for consent in log} == {"service_terms", "privacy", "marketing"}
        assert {(consent.version, consent.channel, consent.given_at) for consent in log} == {
            ("1.0", "mini_program", at)
        }
        assert {consent.text_hash for consent in log} == {text.hash for text in queries.current_texts(session)}


class TestBadInput:
    def test_a_foreign_phone_of_wechat_is_refused(self, counter: Counter, session: Session) -> None:
        with pytest.raises(PhoneInvalid):
            counter.bind(make_identity(session), "+12025550123")

    def test_an_unknown_identity_is_refused(self, counter: Counter) -> None:
        with pytest.raises(IdentityNotFound):
            service.bind_by_wechat_phone(
                counter.session, vault=counter.vault, identity_id=10**12, phone=unused_phone(),
                consents=make_consents(), at=counter.at,
            )  # fmt: skip

    def test_an_unknown_version_is_refused(self, counter: Counter, session: Session) -> None:
        with pytest.raises(Exception, match="consent_outdated"):
            counter.bind(make_identity(session), unused_phone(), consents=[ConsentGiven(Purpose.PRIVACY, "9.9")])


def test_a_phone_is_found_by_its_holder_only_and_shown_masked(counter: Counter, session: Session, vault: Vault) -> None:
    phone = unused_phone()
    outcome = counter.bind(make_identity(session), phone)

    found = queries.find_by_phone(session, vault=vault, phone=phone)

    assert found is not None
    assert found.id == outcome.member_id
    assert found.phone_masked == f"138****{phone[-4:]}"
    assert queries.find_by_number(session, vault=vault, number=found.number) == found
    assert queries.find_by_phone(session, vault=vault, phone=unused_phone()) is None
    assert [identity.appid for identity in queries.identities_of(session, member_id=found.id)] == [OA_APPID]
