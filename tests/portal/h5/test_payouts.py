"""Money on the phone: the account, a withdrawal from asking to its end, and who is paid."""

from datetime import datetime

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from loyalty.kernel.audit import Actor
from loyalty.members.rules.identities import IdentityKind
from loyalty.payouts.rules.settings import PayoutProgramme
from loyalty.payouts.service.pausing import pause
from loyalty.payouts.service.sending import drive
from tests.factories.earnings import make_available
from tests.factories.members import make_identity, make_member
from tests.factories.payouts import Earner, configure, make_earner, make_sender, tax_everything
from tests.factories.payouts import ask as ask_as
from tests.portal.h5.conftest import Browser
from tests.support.containers import NullContainer, StandingClock

OPEN = PayoutProgramme(minimum_fen=100, member_day_fen=40_000, day_fen=900_000, points_per_yuan=100)
KEY = "0123456789abcdef01234567"


@pytest.fixture
def money(browser: Browser, session: Session, at: datetime) -> Browser:
    """A phone whose member has ¥500."""
    assert browser.member is not None
    configure(session, programme=OPEN, at=at)
    make_available(session, browser.member.id, 50_000, at=at)
    session.commit()
    return browser


def ask(money: Browser, amount: str = "100", **fields: str) -> str:
    return money.send("/h5/withdrawal", amount=amount, key=KEY, **fields).text


def take_steps(container: NullContainer, payout_id: int) -> None:
    assert isinstance(container.clock, StandingClock)
    drive(make_sender(container.database, container.wechat_pay, container.clock), payout_id=payout_id)


def payout_id_of(money: Browser) -> int:
    page = money.open("/h5/payouts").text
    return int(page.split('href="/h5/payouts/')[1].split('"')[0])


class TestAccount:
    def test_shows_what_is_there_and_every_line_with_its_reason(self, money: Browser) -> None:
        ask(money, "12.5")

        page = money.open("/h5/earnings").text
        only = money.open("/h5/earnings?kind=payout").text

        assert "¥487.50" in page
        assert "获得收益，待结算" in page
        assert ("−¥12.50" in only, "获得收益" in only) == (True, False)

    def test_says_what_is_in_the_way(self, browser: Browser, session: Session, at: datetime) -> None:
        assert "提现功能暂未开放" in browser.open("/h5/earnings").text

        configure(session, programme=PayoutProgramme(minimum_fen=5_000), at=at)
        session.commit()

        assert "满 ¥50.00 可提现" in browser.open("/h5/withdrawal").text

    @pytest.mark.parametrize("query", ["kind=all", "kind=", "cursor="])
    def test_shows_something_for_any_address(self, money: Browser, query: str) -> None:
        assert money.open(f"/h5/earnings?{query}").status_code == 200


class TestWithdrawal:
    def test_that_tax_is_withheld_of_leads_to_the_form_for_who_is_paid(
        self, money: Browser, session: Session, at: datetime
    ) -> None:
        tax_everything(session, at=at)
        session.commit()

        refused = ask(money)

        assert "须先填写收款人实名信息" in refused
        assert 'href="/h5/payee"' in refused
        money.send("/h5/payee", name="张三", id_number="11010519491231002X", consent="1.0")
        assert "代扣个人所得税" in ask(money)

    def test_is_asked_for_once_and_followed_to_its_confirmation(self, money: Browser, container: NullContainer) -> None:
        assert "已受理，等待打款" in ask(money)
        ask(money)
        payout_id = payout_id_of(money)
        take_steps(container, payout_id)

        page = money.open(f"/h5/payouts/{payout_id}")

        assert money.open("/h5/payouts").text.count('data-testid="payout"') == 1
        assert 'data-mch-id="1900000001"' in page.text
        assert 'data-package="package-P' in page.text
        assert page.headers["Cache-Control"] == "no-store"

    def test_tells_risk_on_which_device_it_was_asked_for(self, money: Browser, session: Session) -> None:
        money.open("/h5/withdrawal")

        ask(money)

        seen = text("SELECT count(*) FROM risk_sightings WHERE occasion = 'withdrawal' AND device_index IS NOT NULL")
        assert session.scalar(seen) == 1

    def test_of_the_mini_program_is_confirmed_there(
        self, money: Browser, session: Session, container: NullContainer
    ) -> None:
        assert money.member is not None
        elsewhere = make_identity(session, member=money.member, kind=IdentityKind.MINI_PROGRAM)
        payout = ask_as(session, Earner(money.member.id, elsewhere.appid, elsewhere.openid), 1_000)
        session.commit()
        take_steps(container, payout.id)

        page = money.open(f"/h5/payouts/{payout.id}").text

        assert ("data-package" in page, "请回到那里确认收款" in page) == (False, True)

    def test_of_somebody_else_is_not_found(self, money: Browser, session: Session) -> None:
        theirs = ask_as(session, make_earner(session), 1_000)
        session.commit()

        assert money.open(f"/h5/payouts/{theirs.id}").status_code == 404
        assert money.send(f"/h5/payouts/{theirs.id}/cancel", page="/h5/payee").status_code == 404

    def test_is_called_back(self, money: Browser) -> None:
        ask(money)
        path = f"/h5/payouts/{payout_id_of(money)}"

        assert "已撤销，金额已退回" in money.send(f"{path}/cancel", page=path).text
        assert "已无法撤销" in money.send(f"{path}/cancel", page="/h5/payee").text
        assert "¥500.00" in money.open("/h5/earnings").text

    def test_in_points_is_there_at_once(self, money: Browser) -> None:
        assert "已换成 1250 积分" in ask(money, "12.50", destination="points")

    @pytest.mark.parametrize(
        ("amount", "told"),
        [
            ("0.99", "低于最低限额"),
            ("一百", "请输入正确的金额"),
            ("1.234", "请输入正确的金额"),
            ("400.01", "额度不足"),
            ("500.01", "可提现金额不足"),
        ],
    )
    def test_that_cannot_be_is_refused_with_what_was_typed(self, money: Browser, amount: str, told: str) -> None:
        page = ask(money, amount)

        assert told in page
        assert f'value="{amount}"' in page

    def test_over_the_limit_of_the_day_is_told_when_to_come_back(self, money: Browser) -> None:
        page = money.send("/h5/withdrawal", amount="400.01", key=KEY)

        assert page.status_code == 429
        assert int(page.headers["Retry-After"]) >= 5

    def test_warns_that_sending_rests(self, money: Browser, session: Session, at: datetime) -> None:
        pause(session, actor=Actor("staff:1"), at=at)
        session.commit()

        assert "目前打款较慢" in money.open("/h5/withdrawal").text


class TestPayee:
    FIELDS = {"name": "张三", "id_number": "11010519491231002x"}

    def test_is_kept_only_with_the_consent_ticked_and_deleted_with_it(self, money: Browser) -> None:
        assert "请先阅读并同意" in money.send("/h5/payee", **self.FIELDS).text

        assert "张*" in money.send("/h5/payee", consent="1.0", **self.FIELDS).text
        assert "张*" in money.open("/h5/earnings").text

        assert "张*" not in money.send("/h5/payee/forget", page="/h5/payee").text

    def test_never_shows_an_id_number_again(self, money: Browser) -> None:
        page = money.send("/h5/payee", consent="1.0", **self.FIELDS | {"name": "张3"}).text

        assert "姓名或身份证号不正确" in page
        assert "11010519491231002" not in page


def test_every_page_is_for_members(visitor: Browser, session: Session) -> None:
    make_member(session)
    for path in ("/h5/earnings", "/h5/withdrawal", "/h5/payouts", "/h5/payouts/1", "/h5/payee"):
        assert "绑定" in visitor.open(path).text, path
