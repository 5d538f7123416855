"""A clerk at the till: bound, at a store of their own, with codes that are worth something for a minute or two."""

import re
from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from loyalty.clerks.rules import TRIES_MAX
from loyalty.coupons.rules.terms import Scope
from loyalty.members.models import Member
from loyalty.staff.models import StaffAccount
from loyalty.staff.rules import Role
from loyalty.staff.service import set_active
from loyalty.staff.service.bindings import make_link
from loyalty.stores.models import Store
from tests.factories.staff import make_staff
from tests.factories.stores import make_region, make_store
from tests.portal.h5.clerk.tills import (
    ACTOR,
    Phone,
    PhoneOf,
    code_of,
    coupon_code,
    give,
    links_to_coupons,
)
from tests.support.containers import NullContainer


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
        refused = phone.read(coupon_code(coupon_id, container))
        assert refused.status_code == 429
        assert "扫到的无效码过多，请 15 分钟后再试" in refused.text
        assert int(refused.headers["Retry-After"]) >= 5
