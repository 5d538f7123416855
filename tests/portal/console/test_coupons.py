"""Coupons that went out: their lists and codes, and what staff do about them by hand."""

import csv
import io
import re
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from loyalty.coupons.held import Use
from loyalty.coupons.queries.codes import list_batches
from loyalty.coupons.queries.wallet import get_coupon
from loyalty.coupons.rules.states import IssuePath, Standing
from loyalty.coupons.rules.terms import DaysFromIssue, MemberLimits
from loyalty.coupons.service.claiming import claim_by_code
from loyalty.coupons.service.redeeming import redeem
from loyalty.coupons.service.voiding import void
from loyalty.kernel import audit
from loyalty.members.models import Member
from loyalty.orders.rules import Line
from loyalty.staff.rules import Role
from loyalty.stores.models import Store
from tests.factories.coupons import ACTOR, SHANGHAI, issue_to, make_template, terms_of
from tests.factories.members import make_member
from tests.factories.points import AT
from tests.factories.stores import make_store
from tests.portal.console.conftest import Browser, LogIn
from tests.support.containers import NullContainer
from tests.support.statements import StatementCounter

DAY = timedelta(days=1)


def rows(answer: Any) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.status_code
    return list(csv.DictReader(io.StringIO(answer.get_data(as_text=True).removeprefix("\ufeff"))))


def use(session: Session, member_id: int, coupon_id: int, *, store_id: int | None = None, at: datetime = AT) -> int:
    used = redeem(
        session,
        member_id=member_id,
        coupon_ids=[coupon_id],
        reference=f"till:{coupon_id}",
        use=Use(store_id=store_id, channel="pos", lines=(Line(1, "A1", "饮品", 1, 100_00),), at=at),
        zone=SHANGHAI,
        actor="system:till",
    )
    return used.redemptions[0].id


def standing_of(session: Session, coupon_id: int) -> Standing:
    return get_coupon(session, coupon_id=coupon_id, at=AT).standing


class TestCouponsOfATemplate:
    def test_are_narrowed_by_where_they_stand_and_how_they_came(
        self, admin: Browser, session: Session, member: Member, store: Store, template_id: int
    ) -> None:
        used, voided, locked_out, _usable = (
            issue_to(session, member.id, template_id, path=path).coupon_id
            for path in (IssuePath.CLAIM, IssuePath.LINK, IssuePath.STAFF, IssuePath.BULK)
        )
        late = make_template(session, terms_of(validity=DaysFromIssue(3, delay_days=2)))
        issue_to(session, member.id, late)
        lapsing = make_template(session, terms_of(validity=DaysFromIssue(1)), at=AT - 5 * DAY)
        issue_to(session, member.id, lapsing, at=AT - 5 * DAY)
        use(session, member.id, used, store_id=store.id)
        void(session, coupon_ids=[voided, locked_out], reason="mistake", actor=ACTOR, at=AT)
        session.commit()

        def shown(query: str, template: int = template_id) -> list[tuple[str, str]]:
            found = rows(admin.post(f"/console/coupons/{template}/issued/export?{query}"))
            return [(row["来源"], row["状态"]) for row in found]

        assert shown("standing=used") == [("领券中心", "已使用")]
        assert shown("standing=voided") == [("人工发放", "已作废"), ("领取链接", "已作废")]
        assert shown("standing=voided&path=link") == [("领取链接", "已作废")]
        assert shown("standing=usable") == [("批量发放", "可用")]
        assert shown("standing=locked") == []
        assert shown("standing=upcoming", late) == [("人工发放", "未到可用时间")]
        assert shown("standing=lapsed", lapsing) == [("人工发放", "已过期")]
        assert len(shown("")) == 4
        page = admin.text(f"/console/coupons/{template_id}/issued?standing=used")
        assert ("西湖店" in page, member.number in page) == (True, True)

    def test_are_those_of_members_within_the_scope(
        self, log_in: LogIn, session: Session, member: Member, store: Store, template_id: int
    ) -> None:
        stranger = make_member(session)
        issue_to(session, member.id, template_id)
        theirs = issue_to(session, stranger.id, template_id).coupon_id
        browser = log_in(Role.STORE_MANAGER, Role.RISK, stores=[store])

        page = browser.text(f"/console/coupons/{template_id}/issued")

        assert (member.number in page, stranger.number in page) == (True, False)
        fields = {"coupon_ids": str(theirs), "reason": "abuse"}
        assert "没有找到该优惠券" in browser.submit(f"/console/coupons/{template_id}/issued/void", **fields)
        assert standing_of(session, theirs) is Standing.USABLE

    def test_are_voided_together_or_not_at_all(
        self, admin: Browser, session: Session, member: Member, template_id: int
    ) -> None:
        coupons = [issue_to(session, member.id, template_id).coupon_id for _ in range(3)]
        use(session, member.id, coupons[2])
        session.commit()
        here = f"/console/coupons/{template_id}/issued/void"

        assert "不能作废" in admin.submit(here, coupon_ids=coupons, reason="abuse")
        assert standing_of(session, coupons[0]) is Standing.USABLE
        assert "已作废 2 张券" in admin.submit(here, coupon_ids=coupons[:2], reason="abuse")
        assert [standing_of(session, one) for one in coupons] == [Standing.VOIDED, Standing.VOIDED, Standing.USED]
        assert audit.list_entries(session, subject=f"coupon:{coupons[0]}")[0].after == {
            "state": "voided",
            "reason": "abuse",
        }
        for chosen in ([], list(range(1, 502))):
            assert "请选择 1–500 张券" in admin.submit(here, coupon_ids=chosen, reason="abuse")
        assert admin.post(here, coupon_ids=coupons, reason="x").status_code == 422

    def test_take_few_statements_however_many(
        self, admin: Browser, session: Session, member: Member, template_id: int, statements: StatementCounter
    ) -> None:
        counts = []
        for _ in range(2):
            for _ in range(5):
                issue_to(session, member.id, template_id)
            session.commit()
            statements.clear()
            admin.text(f"/console/coupons/{template_id}/issued?size=100")
            counts.append(statements.count)

        assert counts[0] == counts[1] <= 6


class TestCouponsOfAMember:
    def test_are_given_by_hand_once_for_a_form(
        self, admin: Browser, session: Session, member: Member, template_id: int
    ) -> None:
        session.commit()
        here = f"/console/members/{member.id}/coupons"
        found = re.search(r'name="key" value="(\w{32})"', admin.text(here))
        assert found is not None
        fields = {"template_id": template_id, "reason": "apology", "key": found[1]}

        for _ in range(2):
            assert "已发放，会员可在券包中查看" in admin.submit(here, **fields)

        (row,) = rows(admin.post(f"{here}/export?standing=usable"))
        assert (row["名称"], row["来源"], row["状态"]) == ("早鸟券", "人工发放", "可用")
        (entry,) = audit.list_entries(session, action="coupons.give")
        assert entry.after == {"template_id": template_id, "coupon_id": int(row["券号"]), "reason": "apology"}
        assert admin.post(here, **fields | {"key": "x"}).status_code == 422

    def test_heed_the_limits_of_their_template(self, admin: Browser, session: Session, member: Member) -> None:
        scarce = make_template(session, terms_of(member_limits=MemberLimits(total=1)))
        issue_to(session, member.id, scarce)
        session.commit()
        fields = {"template_id": scarce, "reason": "care", "key": "a" * 32}

        assert "领取上限" in admin.submit(f"/console/members/{member.id}/coupons", **fields)

    def test_are_voided_with_a_reason(self, admin: Browser, session: Session, member: Member, template_id: int) -> None:
        coupon_id = issue_to(session, member.id, template_id).coupon_id
        other = make_member(session)
        session.commit()

        page = admin.submit(f"/console/members/{other.id}/coupons/{coupon_id}/void", reason="request")
        assert "没有找到该优惠券" in page
        assert "已作废" in admin.submit(f"/console/members/{member.id}/coupons/{coupon_id}/void", reason="request")
        assert standing_of(session, coupon_id) is Standing.VOIDED

    def test_are_for_those_who_see_the_member(
        self, log_in: LogIn, session: Session, member: Member, template_id: int
    ) -> None:
        coupon_id = issue_to(session, member.id, template_id).coupon_id
        here = f"/console/members/{member.id}/coupons"
        elsewhere = log_in(Role.MARKETER, stores=[make_store(session)])

        assert elsewhere.get(here).status_code == 404
        fields = {"template_id": template_id, "reason": "care", "key": "a" * 32}
        assert elsewhere.post(here, **fields).status_code == 303
        assert elsewhere.post(f"{here}/{coupon_id}/void", reason="abuse").status_code == 303
        assert audit.list_entries(session, action="coupons.give") == []
        assert standing_of(session, coupon_id) is Standing.USABLE
        assert log_in(Role.FINANCE).post(here, **fields).status_code == 403


class TestCodes:
    def test_as_a_file_match_what_was_claimed_and_voided(
        self, admin: Browser, session: Session, member: Member, template_id: int, container: NullContainer
    ) -> None:
        session.commit()
        here = f"/console/coupons/{template_id}/codes"
        assert "已生成" in admin.submit(here, name="三月传单", count="10003")
        (batch,) = list_batches(session, template_id=template_id)
        export = f"/console/coupon-codes/{batch.id}/export"
        codes = [row["兑换码"] for row in rows(admin.post(export))]
        key = container.settings.member_code_key
        for claimed in (codes[0], codes[10_001]):
            claim_by_code(session, codes_key=key, typed=claimed, member_id=member.id, at=AT, zone=SHANGHAI)
        session.commit()
        assert "该兑换码已作废" in admin.submit(f"/console/coupon-codes/{batch.id}/void-code", code=codes[5].lower())
        assert "已被使用" in admin.submit(f"/console/coupon-codes/{batch.id}/void-code", code=codes[0])
        assert "兑换码不正确" in admin.submit(f"/console/coupon-codes/{batch.id}/void-code", code="AAAA")

        states = {row["兑换码"]: row["状态"] for row in rows(admin.post(export))}

        assert list(states) == codes
        assert len(codes) == len(set(codes)) == 10_003
        gone = {code: state for code, state in states.items() if state != "可领取"}
        assert gone == {codes[0]: "已领取", codes[10_001]: "已领取", codes[5]: "已作废"}
        assert len(audit.list_entries(session, action="coupons.export_codes")) == 2

        admin.submit(f"/console/coupon-codes/{batch.id}/void")
        assert {row["状态"] for row in rows(admin.post(export))} == {"已领取", "已作废"}
        assert "三月传单,10003,2,1,已作废" in admin.get(f"{here}.csv?state=voided").text
        assert "没有符合条件的批次" in admin.text(f"{here}?state=open")

    def test_are_refused_without_a_name_and_beyond_a_million(
        self, admin: Browser, session: Session, template_id: int
    ) -> None:
        session.commit()
        here = f"/console/coupons/{template_id}/codes"

        for name, count in (("", "5"), ("多", "1000001"), ("零", "0")):
            assert "优惠券设置不正确" in admin.submit(here, name=name, count=count)
        assert list_batches(session, template_id=template_id) == []

    def test_are_for_those_who_may_issue_for_the_chain(
        self, log_in: LogIn, admin: Browser, session: Session, store: Store, template_id: int
    ) -> None:
        session.commit()
        here = f"/console/coupons/{template_id}/codes"
        admin.submit(here, name="传单", count="2")
        (batch,) = list_batches(session, template_id=template_id)
        callers = [log_in(Role.MARKETER, stores=[store]), log_in(Role.FINANCE), log_in(Role.AUDITOR)]

        for browser in callers:
            posts = [here, *(f"/console/coupon-codes/{batch.id}/{step}" for step in ("export", "void", "void-code"))]
            assert {browser.post(path, name="x", count="1", code="x").status_code for path in posts} == {403}
