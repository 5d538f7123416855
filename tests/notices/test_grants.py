"""Grants: one tap counts once, whoever tells of it."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from loyalty.members.models import Identity
from loyalty.members.rules.identities import IdentityKind
from loyalty.notices import service
from loyalty.notices.service import GrantSource
from loyalty.notices.service.grants import CLIENT_BALANCE_MAX, take_grant
from tests.factories.members import make_identity, make_member
from tests.factories.notices import MP_TEMPLATE, grants_of, make_grants, make_templates


@pytest.fixture
def identity(session: Session, at: datetime) -> Identity:
    make_templates(session, at=at)
    return make_identity(session, member=make_member(session), kind=IdentityKind.MINI_PROGRAM)


def tell(
    session: Session, identity: Identity, source: GrantSource, reference: str, at: datetime, answer: str = "accept"
) -> int:
    service.record_grants(
        session, identity_id=identity.id, answers={MP_TEMPLATE: answer}, source=source, reference=reference, at=at
    )
    return grants_of(session, identity.id).get(MP_TEMPLATE, 0)


@pytest.mark.parametrize(
    ("first", "second"),
    [(GrantSource.CLIENT, GrantSource.POPUP_EVENT), (GrantSource.POPUP_EVENT, GrantSource.CLIENT)],
)
def test_client_and_push_tell_of_one_tap_in_either_order(
    session: Session, identity: Identity, at: datetime, first: GrantSource, second: GrantSource
) -> None:
    assert tell(session, identity, first, "a", at) == 1
    assert tell(session, identity, second, "b", at + timedelta(seconds=3)) == 1


def test_two_taps_told_by_both_count_two(session: Session, identity: Identity, at: datetime) -> None:
    tell(session, identity, GrantSource.CLIENT, "a", at)
    tell(session, identity, GrantSource.CLIENT, "b", at + timedelta(seconds=5))
    tell(session, identity, GrantSource.POPUP_EVENT, "push:1", at + timedelta(seconds=6))

    assert tell(session, identity, GrantSource.POPUP_EVENT, "push:2", at + timedelta(seconds=7)) == 2


def test_reports_far_apart_are_of_different_taps(session: Session, identity: Identity, at: datetime) -> None:
    tell(session, identity, GrantSource.CLIENT, "a", at)

    assert tell(session, identity, GrantSource.POPUP_EVENT, "push:1", at + timedelta(minutes=5)) == 2


def test_a_replayed_report_counts_once(session: Session, identity: Identity, at: datetime) -> None:
    tell(session, identity, GrantSource.CLIENT, "a", at)

    assert tell(session, identity, GrantSource.CLIENT, "a", at) == 1


@pytest.mark.parametrize("answer", ["reject", "ban", "filter", "nonsense"])
def test_only_accept_counts_and_earlier_grants_stay(
    session: Session, identity: Identity, at: datetime, answer: str
) -> None:
    tell(session, identity, GrantSource.POPUP_EVENT, "push:1", at)

    assert tell(session, identity, GrantSource.CLIENT, "a", at + timedelta(minutes=5), answer) == 1


def test_the_client_alone_cannot_raise_a_balance_without_end(
    session: Session, identity: Identity, at: datetime
) -> None:
    for number in range(CLIENT_BALANCE_MAX + 3):
        balance = tell(session, identity, GrantSource.CLIENT, f"c{number}", at + timedelta(minutes=5 * number))

    assert balance == CLIENT_BALANCE_MAX


def test_the_push_counts_what_the_client_was_not_believed(session: Session, identity: Identity, at: datetime) -> None:
    make_grants(session, identity, count=CLIENT_BALANCE_MAX, at=at - timedelta(hours=1))
    assert tell(session, identity, GrantSource.CLIENT, "a", at) == CLIENT_BALANCE_MAX

    assert tell(session, identity, GrantSource.POPUP_EVENT, "push:9", at) == CLIENT_BALANCE_MAX + 1


def test_a_template_that_is_not_ours_counts_nothing(session: Session, identity: Identity, at: datetime) -> None:
    balances = service.record_grants(
        session, identity_id=identity.id, answers={"stranger": "accept"}, source=GrantSource.CLIENT,
        reference="a", at=at,
    )  # fmt: skip

    assert balances == {}
    assert grants_of(session, identity.id) == {}


def test_a_withdrawal_empties_the_balance(session: Session, identity: Identity, at: datetime) -> None:
    make_grants(session, identity, count=3, at=at)

    service.empty_grants(
        session, identity_id=identity.id, template_id=MP_TEMPLATE, source=GrantSource.CHANGE_EVENT,
        reference="push:7", at=at,
    )  # fmt: skip

    assert grants_of(session, identity.id) == {MP_TEMPLATE: 0}
    assert not take_grant(session, identity_id=identity.id, template_id=MP_TEMPLATE, reference="notice:1:1", at=at)
