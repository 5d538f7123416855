"""Commissions in the console: a plan is drafted, read and published; what was earned is listed and exported."""

import pytest
from sqlalchemy.orm import Session

from loyalty.commissions.queries.plans import current_plan, find_draft
from loyalty.commissions.rules.plan import WARNING, WARNING_VERSION, Plan, Rate
from loyalty.kernel import audit
from loyalty.staff.rules import Role
from tests.factories.commissions import (
    LAST_MONTH,
    accrue,
    bought,
    invite_friend,
    make_referrer,
    publish_plan,
)
from tests.factories.referrals import publish
from tests.portal.console.conftest import Browser, LogIn

PLAN, LIST = "/console/commission-plan", "/console/commissions"
FILLED = {
    "title": "春季佣金",
    "first_percent_1": "0",
    "first_categories_1": "卡券、储值",
    "first_percent_2": "2.5",
    "second_fixed_1": "1.20",
    "second_skus_1": "tea-01",
    "months": "6",
    "pending_days": "15",
    "month_cap": "500",
    "is_open": "yes",
}
TYPED = Plan(
    "春季佣金",
    (Rate(categories=frozenset({"卡券", "储值"})), Rate(basis_points=250)),
    second=(Rate(fixed_fen=120, skus=frozenset({"tea-01"})),),
    months=6,
    pending_days=15,
    month_cap_fen=50_000,
)


class TestThePlan:
    def test_is_drafted_read_and_published_with_the_warning_agreed_to(self, admin: Browser, session: Session) -> None:
        page = admin.submit(f"{PLAN}/draft", **FILLED)
        assert "一级：品类 储值、品类 卡券：不计佣金，实付金额的 2.5%；二级：商品 tea-01：每单 ¥1.20" in page
        assert WARNING in page
        draft = find_draft(session)
        assert draft is not None
        assert draft.plan == TYPED

        assert "须先确认风险告知" in admin.submit(f"{PLAN}/publish")
        assert "已发布" in admin.submit(f"{PLAN}/publish", acknowledged_text=WARNING_VERSION)

        live = current_plan(session)
        assert live is not None
        assert (live.plan, live.acknowledged_text) == (TYPED, WARNING_VERSION)
        (entry,) = audit.list_entries(session, action="commissions.publish")
        assert entry.after is not None
        assert entry.after["acknowledged_text"] == WARNING_VERSION

    def test_is_shown_again_as_it_was_saved(self, admin: Browser, session: Session) -> None:
        admin.submit(f"{PLAN}/draft", **FILLED)

        page = admin.text(f"{PLAN}/edit")

        for shown in ('name="first_percent_2" value="2.5"', 'name="second_fixed_1" value="1.20"', 'value="500"'):
            assert shown in page

    @pytest.mark.parametrize(
        ("changed", "told"),
        [
            ({"first_percent_2": "51"}, "须在 0–5000 之间"),
            ({"months": "x"}, "有效月数须为整数"),
            ({"title": ""}, "名称"),
        ],
        ids=["too much", "no number", "nothing"],
    )
    def test_that_makes_no_sense_is_kept_as_typed_and_told(
        self, admin: Browser, session: Session, changed: dict[str, str], told: str
    ) -> None:
        answer = admin.post(f"{PLAN}/draft", **(FILLED | changed))

        assert answer.status_code == 422
        assert told in answer.get_data(as_text=True)
        assert find_draft(session) is None

    def test_is_only_read_by_finance(self, log_in: LogIn) -> None:
        browser = log_in(Role.FINANCE)

        assert "还没有发布过佣金方案" in browser.text(PLAN)
        assert browser.post(f"{PLAN}/draft", **FILLED).status_code == 403


class TestTheList:
    @pytest.fixture
    def earned(self, session: Session) -> str:
        """Two purchases of a friend, of which the second is one too many; the number of who earned."""
        publish(session, at=LAST_MONTH)
        publish_plan(session, is_first_order_only=True)
        referrer = make_referrer(session)
        friend = invite_friend(session, referrer)
        for _ in range(2):
            bought(session, friend)
        accrue(session)
        return referrer.number

    def test_shows_what_was_earned_and_missed_with_figures(self, admin: Browser, earned: str) -> None:
        page = admin.text(LIST)

        assert "只有好友的首单计佣金 1 笔" in page
        assert page.count(f">{earned}</a>") == 2
        assert "¥5.00" in page

    def test_is_filtered(self, admin: Browser, earned: str) -> None:
        assert admin.text(f"{LIST}?state=pending&number={earned}").count(f">{earned}</a>") == 1
        assert "没有符合条件的佣金" in admin.text(f"{LIST}?level=2")
        assert "没有符合条件的佣金" in admin.text(f"{LIST}?number=1234567890")

    def test_is_exported_and_that_is_audited(self, admin: Browser, session: Session, earned: str) -> None:
        answer = admin.post(f"{LIST}/export?state=missed")

        lines = answer.get_data(as_text=True).splitlines()
        assert len(lines) == 2
        assert f",{earned}," in lines[1]
        (entry,) = audit.list_entries(session, action="commissions.export")
        assert entry.after == {"state": "missed"}
