"""What a marketing message leads to, and the way out of them."""

from datetime import datetime

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.broadcasts.models import Recipient
from loyalty.members.queries import wants
from tests.factories.broadcasts import make_broadcast
from tests.portal.h5.conftest import Browser


def member_id_of(browser: Browser) -> int:
    assert browser.member is not None
    return browser.member.id


@pytest.fixture
def recipient(browser: Browser, session: Session, at: datetime) -> Recipient:
    make_broadcast(session, [member_id_of(browser)], at=at)
    session.commit()
    return session.scalars(select(Recipient)).one()


def test_a_tap_is_counted_once_and_leads_to_the_page(
    browser: Browser, session: Session, recipient: Recipient, at: datetime
) -> None:
    for _ in range(2):
        answer = browser.client.get(f"/h5/go/{recipient.token.hex}")
        assert (answer.status_code, answer.headers["Location"]) == (303, "/h5/coupons")

    session.refresh(recipient)
    assert recipient.clicked_at == at


@pytest.mark.parametrize("token", ["0" * 32, "x" * 32, "0", "9" * 400])
def test_a_token_that_is_none_is_told_so(browser: Browser, token: str) -> None:
    assert browser.client.get(f"/h5/go/{token}").status_code == 404


def test_the_inbox_shows_the_way_in_and_the_way_out(browser: Browser, session: Session, recipient: Recipient) -> None:
    inbox = browser.open("/h5/inbox").text
    assert f'href="/h5/go/{recipient.token.hex}"' in inbox
    assert 'href="/h5/unsubscribe"' in inbox

    answer = browser.send("/h5/unsubscribe")

    assert "已退订活动消息" in answer.text
    assert not wants(session, member_id=member_id_of(browser), kind="campaign")
