"""Claiming coupons on the phone: in the centre, in a rush by script, by link and by code."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NoReturn

import pytest
from flask import Flask
from sqlalchemy import Executable
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from loyalty.coupons.queries.codes import get_batch
from loyalty.coupons.queries.templates import get_template
from loyalty.coupons.queries.wallet import Shelf, list_wallet
from loyalty.coupons.rules.claim_codes import claim_code
from loyalty.coupons.rules.terms import Claiming, MemberLimits
from loyalty.coupons.service.claiming import TRIES_PER_DAY
from loyalty.coupons.service.code_batches import make_batch
from loyalty.kernel.database import Database
from loyalty.kernel.transaction import DatabaseUnavailable
from loyalty.members.models import Member
from portal.h5.session import COOKIE
from tests.factories.coupons import ACTOR, issue_to, make_template, terms_of
from tests.factories.members import make_member
from tests.portal.h5.conftest import Browser
from tests.support.containers import NullContainer
from tests.support.statements import StatementCounter

ONCE = MemberLimits(total=1)
HOUR = timedelta(hours=1)
BY_SCRIPT = {"Accept": "application/json"}
FORM = "/h5/coupon-code"


class AwayAfterTheCaller(Database):
    """A database that knows the caller and then answers no more, as one whose connections are all taken."""

    def __init__(self, inner: Database) -> None:
        self._inner = inner

    def session(self) -> NoReturn:
        raise DatabaseUnavailable

    def single(self, statement: Executable, parameters: Mapping[str, Any]) -> Sequence[Any]:
        return self._inner.single(statement, parameters)


@pytest.fixture
def held(session: Session, member: Member, at: datetime) -> Callable[[], int]:
    """How many coupons the member holds."""
    return lambda: len(list_wallet(session, member_id=member.id, shelf=Shelf.USABLE, at=at).items)


def by_script(browser: Browser, path: str, **fields: str) -> TestResponse:
    """Send the page's form as its script does."""
    token = browser.csrf_token(FORM)
    return browser.client.post(path, data={"csrf_token": token, **fields}, headers=BY_SCRIPT)


class TestCentre:
    def test_claims_with_one_tap_and_comes_back(
        self, browser: Browser, session: Session, held: Callable[[], int]
    ) -> None:
        template_id = make_template(session, terms_of(title="会员日券", member_limits=ONCE))
        session.commit()

        page = browser.send(
            f"/h5/coupon-centre/{template_id}", page="/h5/coupon-centre", key="k" * 24, next="/h5/coupon-centre"
        )

        assert "领取成功，已放入券包" in page.text
        assert "已领取 1 张，达到每人上限" in page.text
        assert held() == 1

    def test_sent_twice_is_one_coupon(self, browser: Browser, session: Session, held: Callable[[], int]) -> None:
        template_id = make_template(session)
        session.commit()

        pages = [browser.send(f"/h5/coupon-centre/{template_id}", key="k" * 24) for _ in range(2)]

        assert ["领取成功" in page.text for page in pages] == [True, True]
        assert held() == 1

    def test_never_leads_to_another_site(self, browser: Browser, session: Session) -> None:
        template_id = make_template(session)
        session.commit()
        token = browser.csrf_token(FORM)

        sent = browser.client.post(
            f"/h5/coupon-centre/{template_id}", data={"csrf_token": token, "next": "//elsewhere.example/"}
        )

        assert (sent.status_code, sent.headers["Location"]) == (303, "/h5/")


class TestOffer:
    def test_counts_down_by_the_servers_time_and_is_never_kept(
        self, browser: Browser, session: Session, at: datetime
    ) -> None:
        claiming = Claiming(is_in_centre=True, opens_at=at + HOUR)
        template_id = make_template(session, terms_of(claiming=claiming))
        session.commit()

        page = browser.open(f"/h5/coupon-centre/{template_id}")

        assert 'data-opens-in-ms="3600000"' in page.text
        assert re.search(r'data-testid="claim" disabled', page.text)
        assert page.headers["Cache-Control"] == "no-store"

    def test_says_that_it_is_sold_out_without_a_form(self, browser: Browser, session: Session) -> None:
        template_id = make_template(session, stock=1)
        issue_to(session, make_member(session).id, template_id)
        session.commit()

        page = browser.open(f"/h5/coupon-centre/{template_id}").text

        assert "已领完" in page
        assert "data-claim" not in page

    def test_a_second_claim_shows_the_coupon_held(self, browser: Browser, session: Session) -> None:
        template_id = make_template(session, terms_of(member_limits=ONCE))
        session.commit()
        path = f"/h5/coupon-centre/{template_id}"
        first = browser.send(path, key="a" * 24)
        again = browser.send(path, page="/h5/coupon-code", key="b" * 24)

        assert again.request.path == first.request.path
        assert re.fullmatch(r"/h5/coupons/\d+", again.request.path)
        assert "您已领取过该优惠券" in again.text


class TestByScript:
    def test_is_told_where_to_go(self, browser: Browser, session: Session) -> None:
        template_id = make_template(session)
        session.commit()

        answer = by_script(browser, f"/h5/coupon-centre/{template_id}", key="k" * 24)

        assert answer.json is not None
        assert "领取成功" in browser.open(answer.json["location"]).text

    def test_is_told_in_words_that_nothing_is_left_and_to_stay_away(self, browser: Browser, session: Session) -> None:
        template_id = make_template(session, stock=1)
        issue_to(session, make_member(session).id, template_id)
        session.commit()

        answer = by_script(browser, f"/h5/coupon-centre/{template_id}", key="k" * 24)

        assert (answer.status_code, answer.json) == (429, {"message": "优惠券已领完"})
        assert 60 <= int(answer.headers["Retry-After"]) <= 120

    def test_is_told_so_again_without_log_in(
        self, browser: Browser, session: Session, statements: StatementCounter
    ) -> None:
        template_id = make_template(session, stock=1)
        issue_to(session, make_member(session).id, template_id)
        session.commit()
        path, first = f"/h5/coupon-centre/{template_id}", "k" * 24
        told = by_script(browser, path, key=first)
        token = browser.csrf_token(FORM)
        browser.client.delete_cookie(COOKIE)
        statements.clear()

        again = browser.client.post(path, data={"csrf_token": token, "key": "n" * 24}, headers=BY_SCRIPT)

        assert (again.status_code, again.json) == (told.status_code, told.json)
        assert statements.count == 0, "\n".join(statements.sent)

    def test_that_comes_too_early_is_told_how_long_to_wait(
        self, browser: Browser, session: Session, at: datetime
    ) -> None:
        claiming = Claiming(is_in_centre=True, opens_at=at + timedelta(seconds=1.5))
        template_id = make_template(session, terms_of(claiming=claiming))
        session.commit()

        answer = by_script(browser, f"/h5/coupon-centre/{template_id}", key="k" * 24)

        assert (answer.status_code, answer.json) == (409, {"message": "领取还没有开始", "opens_in_ms": 1500})

    def test_is_told_when_to_come_back_while_the_database_is_away(
        self, app: Flask, browser: Browser, session: Session, container: NullContainer
    ) -> None:
        template_id = make_template(session)
        session.commit()
        token = browser.csrf_token(FORM)
        app.extensions["container"] = replace(container, database=AwayAfterTheCaller(container.database))

        answers = [
            browser.client.post(
                f"/h5/coupon-centre/{template_id}", data={"csrf_token": token, "key": "k" * 24}, headers=BY_SCRIPT
            )
            for _ in range(12)
        ]

        assert {(answer.status_code, answer.mimetype) for answer in answers} == {(503, "text/html")}
        waits = {int(answer.headers["Retry-After"]) for answer in answers}
        assert waits <= set(range(5, 11))
        assert len(waits) > 1


class TestLink:
    def test_claims_what_is_not_in_the_centre(
        self, browser: Browser, session: Session, held: Callable[[], int]
    ) -> None:
        template_id = make_template(session, terms_of(claiming=Claiming()))
        token = get_template(session, template_id=template_id).link_token
        session.commit()

        browser.send(f"/h5/c/{token}", key="k" * 24)

        assert held() == 1
        assert browser.open("/h5/c/guessed").status_code == 404

    def test_sends_a_fan_to_bind_a_phone_and_back(self, visitor: Browser, session: Session) -> None:
        token = get_template(session, template_id=make_template(session)).link_token
        session.commit()

        asked = visitor.client.get(f"/h5/c/{token}")

        assert asked.headers["Location"] == f"/h5/binding?next=/h5/c/{token}"
        assert f'name="next" value="/h5/c/{token}"' in visitor.open(f"/h5/c/{token}").text


class TestClaimCode:
    def test_is_typed_in_any_way(
        self,
        browser: Browser,
        session: Session,
        container: NullContainer,
        at: datetime,
        held: Callable[[], int],
    ) -> None:
        batch_id = make_batch(session, template_id=make_template(session), name="传单", count=1, actor=ACTOR, at=at)
        code = claim_code(container.settings.member_code_key, get_batch(session, batch_id=batch_id).first_serial)
        session.commit()

        page = browser.send("/h5/coupon-code", code=f" {code.lower().replace('-', ' ')} ")

        assert "领取成功" in page.text
        assert held() == 1

    def test_that_is_wrong_stays_in_the_form_with_the_reason(self, browser: Browser) -> None:
        page = browser.send("/h5/coupon-code", code="2222-2222-2222")

        assert page.status_code == 422
        assert "兑换码不正确" in page.text

    def test_typed_too_often_is_told_when_to_come_back(self, browser: Browser) -> None:
        pages = [browser.send("/h5/coupon-code", code="2222-2222-2222") for _ in range(TRIES_PER_DAY + 1)]

        assert [page.status_code for page in pages] == [422] * TRIES_PER_DAY + [429]
        assert int(pages[-1].headers["Retry-After"]) >= 5
        assert 'value="2222-2222-2222"' in pages[-1].text
