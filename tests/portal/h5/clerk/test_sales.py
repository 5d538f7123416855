"""Several coupons are taken for one sale and undone as one, and the best of them are found for its amount."""

import re
from collections.abc import Callable

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from loyalty.coupons.models import Coupon, CouponRedemption
from loyalty.coupons.rules.states import CouponState
from loyalty.coupons.rules.terms import CashOff, FixedPrice, Gift, Scope, Stacking
from loyalty.kernel import audit
from loyalty.members.models import Member
from loyalty.staff.models import StaffAccount
from tests.portal.h5.clerk.tills import NO_THRESHOLD, Phone, code_of, coupon_code, give, redemptions
from tests.support.containers import NullContainer

TOGETHER = Stacking(is_exclusive=False)


class TestOneSale:
    @pytest.fixture
    def page(self, phone: Phone, member: Member, container: NullContainer) -> Callable[[], str]:
        """Read the member's code, and return the page of a sale to them."""
        return lambda: phone.read(code_of(member, container)).request.path + "/sale"

    @pytest.fixture
    def pair(self, member: Member, session: Session) -> list[int]:
        """Ten and five yuan off, which go together."""
        return [
            give(session, member, title=f"减 {yuan} 元", worth=CashOff(yuan * 100), stacking=TOGETHER, **NO_THRESHOLD)
            for yuan in (10, 5)
        ]

    def test_what_is_chosen_is_taken_once_and_undone_as_one(
        self, phone: Phone, session: Session, page: Callable[[], str], pair: list[int], clerk: StaffAccount
    ) -> None:
        path = page()
        form = _fields(phone, path) | {"goods": "100", "coupon_id": list(map(str, pair))}

        pages = [phone.client.post(path, data=form, follow_redirects=True) for _tap in range(2)]

        assert [redemptions(session, coupon_id) for coupon_id in pair] == [1, 1]
        assert pages[0].request.path == pages[1].request.path
        assert 'data-testid="left">¥85.00' in pages[1].text
        assert len(audit.list_entries(session, actor=f"staff:{clerk.id}", action="coupons.redeem")) == 2

        result = pages[0].request.path
        token = {"csrf_token": form["csrf_token"]}
        for _tap in range(2):
            undone = phone.client.post(f"{result}/undo", data=token, follow_redirects=True)
            assert "本次核销已撤销" in undone.text
            assert undone.text.count("撤销时间") == 2
        assert set(session.scalars(select(Coupon.state).where(Coupon.id.in_(pair)))) == {CouponState.ISSUED}
        assert len(audit.list_entries(session, actor=f"staff:{clerk.id}", action="coupons.undo_own")) == 2

    def test_the_best_are_ticked_for_the_amount_and_nothing_is_taken(
        self, phone: Phone, member: Member, session: Session, page: Callable[[], str], pair: list[int]
    ) -> None:
        alone = give(session, member, worth=CashOff(12_00), threshold_fen=200_00)
        path = page()

        small, large = (_send(phone, path, {"goods": goods}, to="/best") for goods in ("100", "200"))
        assert _ticked(small) == _ticked(large) == set(pair)
        assert "优惠 ¥15.00，顾客还需付 <strong>¥85.00" in small.text
        assert "再买 ¥100.00 可用" in small.text
        give(session, member, worth=CashOff(20_00), threshold_fen=200_00)
        assert _ticked(_send(phone, path, {"goods": "200"}, to="/best")).isdisjoint({*pair, alone})
        assert session.scalar(select(func.count()).select_from(CouponRedemption)) == 0

    def test_what_does_not_go_together_is_told_of_each_and_nothing_is_taken(
        self, phone: Phone, member: Member, session: Session, page: Callable[[], str], pair: list[int]
    ) -> None:
        exclusive = give(session, member, worth=CashOff(300), **NO_THRESHOLD)
        path = page()

        refused = _send(
            phone, path, {"key": phone.key_of(path), "goods": "100", "coupon_id": [str(pair[0]), str(exclusive)]}
        )

        assert refused.status_code == 409
        assert refused.text.count("不能与已选的优惠券同时使用") == 1
        assert _ticked(refused) == {pair[0], exclusive}
        assert 'value="100"' in refused.text
        assert redemptions(session, pair[0]) == 0

    def test_only_coupons_for_all_goods_are_offered_and_others_refused_when_forged(
        self, phone: Phone, member: Member, session: Session, page: Callable[[], str], pair: list[int]
    ) -> None:
        others = [
            give(session, member, scope=Scope(skus=frozenset({"latte"})), stacking=TOGETHER, **NO_THRESHOLD),
            give(session, member, scope=Scope(excluded_skus=frozenset({"tea"})), stacking=TOGETHER, **NO_THRESHOLD),
            give(session, member, worth=FixedPrice(100), scope=Scope(categories=frozenset({"tea"})), **NO_THRESHOLD),
        ]
        path = page()
        shown = phone.open(path).text
        assert {int(found) for found in re.findall(r'name="coupon_id" value="(\d+)"', shown)} == set(pair)

        for other in others:
            forged = _send(phone, path, {"key": phone.key_of(path), "goods": "50", "coupon_id": [str(other)]})
            assert "指定商品的券请单独核销" in forged.text
            assert redemptions(session, other) == 0

    @pytest.mark.parametrize(
        ("changes", "told"),
        [
            ({"goods": ""}, "请输入金额"),
            ({"goods": "0"}, "请输入金额"),
            ({"goods": "1.234"}, "金额须为数字"),
            ({"goods": "99999999"}, "金额须为数字"),
            ({"coupon_id": []}, "请至少选择一张优惠券"),
            ({"coupon_id": ["x", "9" * 40]}, "请至少选择一张优惠券"),
            ({"coupon_id": ["999999999"]}, "没有找到该优惠券"),
            ({"key": "made up"}, "页面已过期"),
        ],
    )
    def test_what_makes_no_sense_is_asked_for_again(
        self,
        phone: Phone,
        session: Session,
        page: Callable[[], str],
        pair: list[int],
        changes: dict[str, object],
        told: str,
    ) -> None:
        path = page()

        refused = _send(
            phone, path, {"key": phone.key_of(path), "goods": "100", "coupon_id": [str(pair[0])], **changes}
        )

        assert 400 <= refused.status_code < 500
        assert told in refused.text
        assert redemptions(session, pair[0]) == 0

    def test_gifts_alone_need_no_amount(
        self, phone: Phone, member: Member, session: Session, page: Callable[[], str]
    ) -> None:
        gifts = [
            give(session, member, worth=Gift(name), stacking=TOGETHER, **NO_THRESHOLD) for name in ("咖啡", "蛋糕")
        ]
        path = page()

        taken = _send(phone, path, {"key": phone.key_of(path), "goods": "", "coupon_id": list(map(str, gifts))})

        assert "请把礼品交给顾客" in taken.text
        assert [redemptions(session, gift) for gift in gifts] == [1, 1]

    def test_the_code_of_one_coupon_opens_no_sale_of_others(
        self, phone: Phone, session: Session, pair: list[int], container: NullContainer
    ) -> None:
        visit = phone.read(coupon_code(pair[0], container)).request.path.partition("/coupons/")[0]

        assert "请重新扫码" in phone.open(f"{visit}/sale").text
        forged = phone.send(
            f"{visit}/sale", page="/h5/clerk", key="0" * 24, goods="100", coupon_id=[str(one) for one in pair]
        )
        assert "请重新扫码" in forged.text
        assert redemptions(session, pair[1]) == 0


def _send(phone: Phone, path: str, form: dict[str, object], *, to: str = "") -> TestResponse:
    return phone.send(path + to, page=path, **form)


def _fields(phone: Phone, path: str) -> dict[str, object]:
    """The hidden fields of a page's form."""
    shown = phone.open(path).text
    return {name: re.findall(f'name="{name}" value="([^"]+)"', shown)[0] for name in ("csrf_token", "key")}


def _ticked(page: TestResponse) -> set[int]:
    return {int(found) for found in re.findall(r'name="coupon_id" value="(\d+)" checked', page.text)}
