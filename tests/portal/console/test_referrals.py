"""Staff see who invited whom, what it paid or why not, and the funnel with its way into the list."""

import csv
import io
import re
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.kernel.audit import AuditEntry
from loyalty.members.models import Member
from loyalty.referrals.rules.sharing import Channel
from loyalty.staff.rules import Role
from tests.factories.members import make_identity, make_member
from tests.factories.referrals import invite, link_of, open_by, open_for_pay, publish, referral_of, settle
from tests.portal.console.conftest import Browser, LogIn

WAITED = timedelta(hours=25)


@pytest.fixture
def sharer(session: Session) -> Member:
    return make_member(session)


@pytest.fixture
def friends(session: Session, sharer: Member, at: datetime) -> list[Member]:
    """Two who came by the mini program, of whom one was paid, and one by a poster who was refused."""
    publish(session, at=at - timedelta(days=2))
    came_at = at - timedelta(days=1, hours=8)
    invited = [
        invite(session, sharer, channel=channel, at=came_at)
        for channel in (Channel.MINI_PROGRAM, Channel.MINI_PROGRAM, Channel.POSTER)
    ]
    settle(session, referral_of(session, invited[0].id).id, at=came_at + WAITED)
    refused = referral_of(session, invited[2].id)
    refused.state, refused.reason, refused.is_standing = "refused", "device_farm", False
    session.commit()
    return invited


def rows_of(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.lstrip("\ufeff"))))


class TestOpenings:
    @pytest.fixture
    def openings(self, session: Session, sharer: Member, at: datetime) -> None:
        open_for_pay(session, sharer, "phone-1", "phone-1", "phone-1", "phone-1", "phone-2", per_day=5, at=at)
        session.commit()

    @pytest.mark.usefixtures("openings")
    def test_are_told_as_the_member_is_told_with_the_rule_that_fired(self, admin: Browser) -> None:
        page = admin.text("/console/referrals/openings?state=missed")

        assert page.count('data-testid="opening"') == 1
        assert "没有奖励：未通过安全校验" in page
        assert "风控：同一设备反复打开" in page

    @pytest.mark.usefixtures("openings")
    def test_are_filtered_and_exported(self, admin: Browser, sharer: Member) -> None:
        _, *rows = rows_of(admin.post(f"/console/referrals/openings/export?member_id={sharer.id}&state=paid").text)

        assert [(row[3], row[4]) for row in rows] == [("已发放", "2")] * 4
        assert "没有符合条件的记录" in admin.text("/console/referrals/openings?channel=poster")
        assert admin.get("/console/referrals/openings?state=eaten").status_code == 422


class TestList:
    def test_tells_what_each_paid_or_why_not(self, admin: Browser, friends: list[Member], sharer: Member) -> None:
        page = admin.text("/console/referrals")

        assert page.count('data-testid="referral"') == 3
        assert "邀请人得 100 积分" in page
        assert "好友得 50 积分" in page
        assert "风控：一台设备上会员过多" in page

    @pytest.mark.parametrize(
        ("filters", "count"),
        [
            ("state=rewarded", 1),
            ("channel=poster", 1),
            ("reason=device_farm", 1),
            ("since=2026-03-09&until=2026-03-09", 3),
            ("since=2026-03-10", 0),
            ("referrer_id={sharer}", 3),
            ("referrer_id=1", 0),
        ],
    )
    def test_is_filtered(self, admin: Browser, friends: list[Member], sharer: Member, filters: str, count: int) -> None:
        page = admin.text(f"/console/referrals?{filters.format(sharer=sharer.id)}")

        assert page.count('data-testid="referral"') == count

    @pytest.mark.parametrize("filters", ["state=x", "channel=x", "since=x", "referrer_id=x", "cursor=x!"])
    def test_a_filter_that_makes_no_sense_is_refused(self, admin: Browser, filters: str) -> None:
        assert admin.get(f"/console/referrals?{filters}").status_code == 422

    def test_is_exported_by_who_may_and_the_audit_log_knows(
        self, admin: Browser, log_in: LogIn, friends: list[Member], sharer: Member, session: Session
    ) -> None:
        header, *rows = rows_of(admin.post("/console/referrals/export?state=rewarded").text)

        assert len(rows) == 1
        assert rows[0][header.index("邀请人")] == sharer.number
        assert rows[0][header.index("奖励")] == "邀请人得 100 积分；好友得 50 积分"
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "referrals.export")).one()
        assert entry.after == {"state": "rewarded"}
        assert log_in(Role.MARKETER).post("/console/referrals/export").status_code == 403


class TestFunnel:
    def test_counts_each_step_and_leads_to_the_list(self, admin: Browser, friends: list[Member]) -> None:
        page = admin.text("/console/referral-report?since=2026-03-08&until=2026-03-10")

        assert "/console/referrals?channel=mini_program&amp;since=2026-03-08&amp;until=2026-03-10" in page
        assert "风控：一台设备上会员过多" in page

    def test_is_exported_by_channel_and_reason(self, admin: Browser, friends: list[Member]) -> None:
        header, *rows = rows_of(admin.get("/console/referral-report.csv?since=2026-03-08&until=2026-03-10").text)

        by_name = {row[0]: dict(zip(header[1:], row[1:], strict=False)) for row in rows}
        steps = ("打开人数", "有效新客", "入会", "达成", "已奖励", "不予奖励", "积分")
        assert [by_name["小程序卡片"][step] for step in steps] == ["2", "2", "2", "1", "1", "0", "150"]
        assert [by_name["海报"][step] for step in steps] == ["1", "1", "1", "0", "0", "1", "0"]
        assert by_name["不予奖励：风控：一台设备上会员过多"] == {"分享会员": "1"}

    def test_tells_why_openings_did_not_count(
        self, admin: Browser, friends: list[Member], sharer: Member, session: Session, at: datetime
    ) -> None:
        open_by(session, make_identity(session, member=sharer), link_of(session, sharer.id, at=at), at=at)
        session.commit()

        page = admin.text("/console/referral-report?since=2026-03-08&until=2026-03-10")
        exported = rows_of(admin.get("/console/referral-report.csv?since=2026-03-08&until=2026-03-10").text)

        assert re.search(r"<td>本人打开</td><td class=\"num\">1</td>", page)
        assert ["打开未计入：本人打开", "1"] in [row[:2] for row in exported]
        empty = admin.text("/console/referral-report?since=2026-03-08&until=2026-03-08")
        assert "这些天的打开全部计入" in empty

    def test_the_days_of_the_chart_are_the_business_dates(self, admin: Browser, friends: list[Member]) -> None:
        answer = admin.get("/console/referral-report/days.json?since=2026-03-08&until=2026-03-10").json

        assert answer is not None
        assert answer["days"] == ["2026-03-08", "2026-03-09", "2026-03-10"]
        series = {one["name"]: one["figures"] for one in answer["series"]}
        assert series == {
            "打开人数": [0, 3, 0],
            "有效新客": [0, 3, 0],
            "入会": [0, 3, 0],
            "达成": [0, 0, 1],
            "已奖励": [0, 0, 1],
        }

    @pytest.mark.parametrize("filters", ["since=2026-03-10&until=2026-03-09", "since=2020-01-01", "since=x"])
    def test_days_that_make_no_sense_are_refused(self, admin: Browser, filters: str) -> None:
        assert admin.get(f"/console/referral-report?{filters}").status_code == 422

    @pytest.mark.parametrize("role", [Role.MARKETER, Role.RISK, Role.FINANCE, Role.AUDITOR])
    def test_is_read_by(self, log_in: LogIn, role: Role) -> None:
        assert log_in(role).get("/console/referral-report").status_code == 200

    def test_is_closed_to_who_sees_a_part_of_the_chain(self, log_in: LogIn, store: object) -> None:
        part = log_in(Role.MARKETER, stores=[store])  # type: ignore[list-item]

        for path in ("referrals", "referral-report", "referral-programme"):
            assert part.get(f"/console/{path}").status_code == 403
