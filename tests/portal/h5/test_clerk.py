"""A clerk at the till: bound, at a store of their own, with codes that are worth something for a minute or two."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from loyalty.clerks.rules import TRIES_MAX
from loyalty.coupons.models import CouponRedemption
from loyalty.coupons.rules import codes
from loyalty.coupons.rules.terms import Gift, PercentOff, Scope
from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.members.models import Identity, Member
from loyalty.members.rules import member_code
from loyalty.members.rules.identities import Door
from loyalty.members.service import open_session
from loyalty.staff.models import StaffAccount
from loyalty.staff.rules import Role
from loyalty.staff.service import set_active
from loyalty.staff.service.bindings import link, make_link
from loyalty.stores.models import Store
from portal.h5.session import COOKIE
from tests.factories.coupons import issue_to, make_template, terms_of
from tests.factories.members import make_identity, make_member
from tests.factories.staff import make_staff
from tests.factories.stores import make_region, make_store
from tests.portal.h5.conftest import Browser
from tests.support.containers import NullContainer
from tests.support.settings import CODE_KEY

ACTOR = Actor("system:tests")
NO_THRESHOLD: dict[str, Any] = {"threshold_fen": 0}


@pytest.fixture
def store(session: Session) -> Store:
    return make_store(session, name="静安寺店")


@pytest.fixture
def clerk(session: Session, store: Store) -> StaffAccount:
    return make_staff(session, Role.CLERK, stores=[store])


class Phone(Browser):
    """The phone of somebody who works at a store."""

    def read(self, code: str, **fields: str) -> TestResponse:
        """Send a code with the key of a page of its own, unless another is given."""
        return self.send("/h5/clerk", **({"code": code, "key": self.key_of("/h5/clerk")} | fields))

    def key_of(self, path: str) -> str:
        found = re.search(r'name="key" value="([^"]+)"', self.open(path).text)
        assert found, f"{path} has no form"
        return found[1]

    def take(self, path: str, **fields: str) -> TestResponse:
        """Send the form of a coupon's page."""
        return self.send(path, **({"key": self.key_of(path)} | fields))


PhoneOf = Callable[[StaffAccount | None], Phone]


@pytest.fixture
def phone_of(client: FlaskClient, session: Session, at: datetime) -> PhoneOf:
    """Hand out a phone, bound to an account when one is given."""

    def hand_out(staff: StaffAccount | None) -> Phone:
        identity: Identity = make_identity(session)
        if staff is not None:
            link(session, staff_id=staff.id, appid=identity.appid, openid=identity.openid, actor=ACTOR, at=at)
        token = open_session(session, identity_id=identity.id, door=Door.H5, at=at)
        session.commit()
        client.set_cookie(COOKIE, token)
        return Phone(client, identity, None)

    return hand_out


@pytest.fixture
def phone(phone_of: PhoneOf, clerk: StaffAccount) -> Phone:
    return phone_of(clerk)


@pytest.fixture
def member(session: Session) -> Member:
    return make_member(session, nickname="小明")


def code_of(member: Member, container: NullContainer) -> str:
    return member_code.current_code(CODE_KEY, member.id, container.clock.now()).code


def coupon_code(coupon_id: int, container: NullContainer) -> str:
    return codes.current_code(CODE_KEY, coupon_id, container.clock.now()).code


def give(session: Session, member: Member, **terms: Any) -> int:
    """Give the member a coupon of a template of its own."""
    coupon_id = issue_to(session, member.id, make_template(session, terms_of(**terms))).coupon_id
    session.commit()
    return coupon_id


def redemptions(session: Session, coupon_id: int) -> int:
    return session.scalar(select(func.count()).where(CouponRedemption.coupon_id == coupon_id)) or 0


def links_to_coupons(page: TestResponse) -> list[str]:
    return re.findall(r'href="(/h5/clerk/visits/[^"]+/coupons/\d+)"', page.text)


class TestWhoMayTakeCoupons:
    def test_a_wechat_that_nobody_bound_is_told_so(self, phone_of: PhoneOf) -> None:
        page = phone_of(None).open("/h5/clerk")

        assert page.status_code == 403
        assert "本微信没有绑定店员账号" in page.text

    def test_a_role_without_the_permission_is_told_so(self, phone_of: PhoneOf, session: Session) -> None:
        page = phone_of(make_staff(session, Role.MARKETER)).open("/h5/clerk/today")

        assert page.status_code == 403
        assert "没有核销权限" in page.text

    def test_an_account_that_was_switched_off_is_out_at_once(
        self, phone: Phone, clerk: StaffAccount, session: Session, at: datetime
    ) -> None:
        assert phone.open("/h5/clerk").status_code == 200

        set_active(session, staff_id=clerk.id, is_active=False, actor=ACTOR, at=at)
        session.commit()

        assert phone.open("/h5/clerk").status_code == 403

    def test_a_clerk_of_several_stores_says_where_they_stand_and_nobody_stands_elsewhere(
        self, phone_of: PhoneOf, session: Session, store: Store
    ) -> None:
        region = make_region(session)
        here, there = (make_store(session, parent=region, name=name) for name in ("东店", "西店"))
        phone = phone_of(make_staff(session, Role.CLERK, stores=[region]))
        assert "您现在在哪家门店" in phone.open("/h5/clerk").text

        assert "请先选择" in phone.send("/h5/clerk/stores", store_id=store.id).text
        page = phone.send("/h5/clerk/stores", store_id=there.id)

        assert "西店" in page.text
        phone.client.set_cookie("h5_clerk_store", str(store.id))
        assert "您现在在哪家门店" in phone.open("/h5/clerk").text
        assert here.name in phone.open("/h5/clerk/stores").text

    def test_a_link_is_confirmed_in_the_wechat_that_it_binds_and_the_second_tap_finds_it_done(
        self, phone_of: PhoneOf, clerk: StaffAccount, session: Session, at: datetime
    ) -> None:
        phone = phone_of(None)
        path = f"/h5/clerk/binding/{make_link(session, staff_id=clerk.id, actor=ACTOR, at=at)}"
        session.commit()
        token = re.search(r'name="csrf_token" value="([^"]+)"', phone.open(path).text)
        assert token

        for _tap in range(2):
            page = phone.client.post(path, data={"csrf_token": token[1]}, follow_redirects=True)
            assert "静安寺店" in page.text

        assert "绑定链接无效" in phone_of(None).open(path).text


class TestCodes:
    def test_a_member_is_shown_masked_with_what_they_can_use_here_and_why_not_the_rest(
        self, phone: Phone, member: Member, session: Session, container: NullContainer
    ) -> None:
        other = make_store(session, name="外地店")
        here = give(session, member, title="本店券")
        give(session, member, title="外地券", scope=Scope(included_nodes=frozenset({other.id})))

        page = phone.read(" ".join(code_of(member, container)))

        assert "小*" in page.text
        assert "小明" not in page.text
        assert [path.endswith(f"/coupons/{here}") for path in links_to_coupons(page)] == [True]
        assert "外地券" in page.text
        assert "本券不适用于当前门店" in page.text

    def test_a_member_code_is_read_once_but_a_form_sent_twice_shows_the_same_member(
        self, phone: Phone, member: Member, container: NullContainer
    ) -> None:
        code, key = code_of(member, container), phone.key_of("/h5/clerk")

        for _tap in range(2):
            assert "小*" in phone.read(code, key=key).text

        again = phone.read(code)
        assert again.status_code == 409
        assert "已使用" in again.text

    def test_a_screenshot_is_worthless_once_the_code_has_rotated(
        self, phone: Phone, member: Member, session: Session, container: NullContainer
    ) -> None:
        coupon_id = give(session, member)
        screenshots = [code_of(member, container), coupon_code(coupon_id, container)]

        container.clock.advance(minutes=2)  # type: ignore[attr-defined]

        for screenshot in screenshots:
            refused = phone.read(screenshot)
            assert refused.status_code == 422
            assert "无效或已过期" in refused.text

    def test_what_was_read_stands_for_a_quarter_of_an_hour_and_for_this_clerk_alone(
        self, phone: Phone, phone_of: PhoneOf, member: Member, session: Session, container: NullContainer, store: Store
    ) -> None:
        coupon_id = give(session, member)
        path = phone.read(coupon_code(coupon_id, container)).request.path
        assert path.endswith(f"/coupons/{coupon_id}")

        container.clock.advance(minutes=14, seconds=59)  # type: ignore[attr-defined]
        assert "确认核销" in phone.open(path).text
        container.clock.advance(seconds=1)  # type: ignore[attr-defined]
        assert "请重新扫码" in phone.open(path).text

        fresh = phone.read(coupon_code(coupon_id, container)).request.path
        colleague = phone_of(make_staff(session, Role.CLERK, stores=[store]))
        assert "请重新扫码" in colleague.open(fresh).text
        assert "请重新扫码" in colleague.open("/h5/clerk/visits/made-up").text

    def test_a_coupon_code_opens_that_coupon_and_no_other(
        self, phone: Phone, member: Member, session: Session, container: NullContainer
    ) -> None:
        coupon_id, other = give(session, member), give(session, member)

        path = phone.read(coupon_code(coupon_id, container)).request.path

        assert "确认核销" in phone.open(path).text
        assert "请重新扫码" in phone.open(path.replace(f"/coupons/{coupon_id}", f"/coupons/{other}")).text

    @pytest.mark.parametrize(
        "code", ["", "123", "10" + "0" * 16, "66" + "0" * 16, "68" + "0" * 16, "六六" * 9, "\0" * 18]
    )
    def test_what_is_no_code_is_refused_in_chinese(self, phone: Phone, code: str) -> None:
        refused = phone.read(code)

        assert refused.status_code == 422
        assert 'class="problem"' in refused.text

    def test_guessing_ends_and_reading_right_codes_does_not_count(
        self, phone: Phone, member: Member, session: Session, container: NullContainer
    ) -> None:
        coupon_id = give(session, member)
        for _right in range(3):
            assert phone.read(coupon_code(coupon_id, container)).status_code == 200

        statuses = [phone.read("66" + "0" * 16).status_code for _guess in range(TRIES_MAX + 1)]

        assert statuses == [422] * TRIES_MAX + [429]
        assert phone.read(coupon_code(coupon_id, container)).status_code == 429


class TestTaking:
    @pytest.fixture
    def page_of(self, phone: Phone, container: NullContainer) -> Callable[[int], str]:
        return lambda coupon_id: phone.read(coupon_code(coupon_id, container)).request.path

    def test_two_taps_take_the_coupon_once_and_say_what_is_left_to_pay(
        self, phone: Phone, member: Member, session: Session, page_of: Callable[[int], str], clerk: StaffAccount
    ) -> None:
        coupon_id = give(session, member, worth=PercentOff(15), **NO_THRESHOLD)
        path = page_of(coupon_id)
        shown = phone.open(path).text
        form = {name: re.findall(f'name="{name}" value="([^"]+)"', shown)[0] for name in ("csrf_token", "key")}

        pages = [phone.client.post(path, data=form | {"goods": "128.50"}, follow_redirects=True) for _tap in range(2)]

        assert redemptions(session, coupon_id) == 1
        for page in pages:
            assert "核销成功" in page.text
            assert "¥19.27" in page.text
            assert "¥109.23" in page.text
        assert pages[0].request.path == pages[1].request.path
        taken = audit.list_entries(session, actor=f"staff:{clerk.id}", action="coupons.redeem")
        assert [entry.after["coupon_id"] for entry in taken if entry.after] == [coupon_id]

    def test_a_basket_that_is_too_small_is_told_what_is_missing_and_nothing_is_taken(
        self, phone: Phone, member: Member, session: Session, page_of: Callable[[int], str]
    ) -> None:
        coupon_id = give(session, member)
        path = page_of(coupon_id)

        refused = phone.take(path, goods="88")

        assert refused.status_code == 409
        assert "再买 ¥12.00 可用" in refused.text
        assert 'value="88"' in refused.text
        assert redemptions(session, coupon_id) == 0
        assert "¥80.00" in phone.take(path, goods="100").text

    @pytest.mark.parametrize("typed", ["", "-1", "1.234", "abc", "１２", "99999999", "1e3", "0"])
    def test_an_amount_that_makes_no_sense_is_asked_for_again(
        self, phone: Phone, member: Member, session: Session, page_of: Callable[[int], str], typed: str
    ) -> None:
        coupon_id = give(session, member)

        refused = phone.take(page_of(coupon_id), goods=typed)

        assert refused.status_code == 422
        assert redemptions(session, coupon_id) == 0

    def test_a_gift_needs_no_amount(
        self, phone: Phone, member: Member, session: Session, page_of: Callable[[int], str]
    ) -> None:
        path = page_of(give(session, member, worth=Gift("美式咖啡一杯"), **NO_THRESHOLD))
        assert 'name="goods"' not in phone.open(path).text

        assert "请把礼品交给顾客" in phone.take(path).text

    def test_a_coupon_of_another_store_is_refused_with_the_reason_also_when_the_form_is_forged(
        self, phone: Phone, member: Member, session: Session, page_of: Callable[[int], str]
    ) -> None:
        elsewhere = Scope(included_nodes=frozenset({make_store(session).id}))
        coupon_id, usable = give(session, member, scope=elsewhere), give(session, member)
        path = page_of(coupon_id)
        shown = phone.open(path)
        assert "本券不适用于当前门店" in shown.text
        assert "确认核销" not in shown.text

        forged = phone.send(path, page=page_of(usable), key="0" * 24, goods="200")

        assert forged.status_code == 409
        assert "本券不适用于当前门店" in forged.text
        assert redemptions(session, coupon_id) == 0

    def test_a_used_coupon_is_told_so_on_the_next_page(
        self, phone: Phone, member: Member, session: Session, page_of: Callable[[int], str]
    ) -> None:
        coupon_id = give(session, member)
        path = page_of(coupon_id)
        phone.take(path, goods="200")

        assert "本券已使用" in phone.open(path).text

    def test_a_form_without_its_key_is_refused(
        self, phone: Phone, member: Member, session: Session, page_of: Callable[[int], str]
    ) -> None:
        coupon_id = give(session, member)

        refused = phone.send(page_of(coupon_id), goods="200", key="made up")

        assert refused.status_code == 422
        assert redemptions(session, coupon_id) == 0


class TestUndoing:
    @pytest.fixture
    def result(self, phone: Phone, member: Member, session: Session, container: NullContainer) -> str:
        """The page of a coupon that was taken just now."""
        coupon_id = give(session, member, title="满百减二十")
        return phone.take(phone.read(coupon_code(coupon_id, container)).request.path, goods="150").request.path

    def test_a_mistake_is_undone_within_half_an_hour_and_twice_is_once(
        self, phone: Phone, result: str, container: NullContainer, session: Session, clerk: StaffAccount
    ) -> None:
        today = phone.open("/h5/clerk/today").text
        assert 'data-testid="count">1 张' in today
        assert 'data-testid="sum">¥20.00' in today
        token = re.search(r'name="csrf_token" value="([^"]+)"', phone.open(result).text)
        assert token
        container.clock.advance(minutes=30)  # type: ignore[attr-defined]

        for _tap in range(2):
            page = phone.client.post(f"{result}/undo", data={"csrf_token": token[1]}, follow_redirects=True)
            assert "本次核销已撤销" in page.text

        today = phone.open("/h5/clerk/today").text
        assert 'data-testid="count">0 张' in today
        assert "已撤销" in today
        undone = audit.list_entries(session, actor=f"staff:{clerk.id}", action="coupons.undo_own")
        assert len(undone) == 1

    def test_later_it_is_for_the_back_office(
        self, phone: Phone, result: str, container: NullContainer, session: Session
    ) -> None:
        token = re.search(r'name="csrf_token" value="([^"]+)"', phone.open(result).text)
        assert token
        container.clock.advance(minutes=30, seconds=1)  # type: ignore[attr-defined]
        assert "撤销本次核销" not in phone.open(result).text

        page = phone.client.post(f"{result}/undo", data={"csrf_token": token[1]}, follow_redirects=True)

        assert "不能自行撤销" in page.text
        assert session.scalar(select(func.count()).where(CouponRedemption.reversed_at.is_not(None))) == 0

    def test_nobody_else_sees_it_or_undoes_it(
        self, phone: Phone, phone_of: PhoneOf, result: str, session: Session, store: Store
    ) -> None:
        colleague = phone_of(make_staff(session, Role.STORE_MANAGER, stores=[store]))

        assert "没有找到该核销记录" in colleague.open(result).text
        assert "没有找到该核销记录" in colleague.send(f"{result}/undo", page="/h5/clerk").text
        assert "满百减二十" not in colleague.open("/h5/clerk/today").text
