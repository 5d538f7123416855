"""A clerk takes coupons at the till and undoes their own mistakes."""

import re
from collections.abc import Callable

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from loyalty.coupons.models import CouponRedemption
from loyalty.coupons.rules.terms import Gift, PercentOff, Scope
from loyalty.kernel import audit
from loyalty.members.models import Member
from loyalty.staff.models import StaffAccount
from loyalty.staff.rules import Role
from loyalty.stores.models import Store
from tests.factories.staff import make_staff
from tests.factories.stores import make_store
from tests.portal.h5.clerk.tills import (
    NO_THRESHOLD,
    Phone,
    PhoneOf,
    coupon_code,
    give,
    redemptions,
)
from tests.support.containers import NullContainer


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
