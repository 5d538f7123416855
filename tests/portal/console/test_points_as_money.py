"""Points as money are switched on, bounded and explained by one form."""

import pytest
from sqlalchemy.orm import Session

from loyalty.checkout.queries import current_policy
from loyalty.checkout.rules import CheckoutPolicy
from loyalty.points.rules import Shortfall
from loyalty.staff.rules import Role
from tests.portal.console.conftest import Browser, LogIn

PAGE = "/console/points-as-money"
FORM = {
    "is_accepting_points": "1",
    "points_per_yuan": "50",
    "share_max_percent": "30",
    "points_max": "5000",
    "points_step": "50",
    "hold_minutes": "15",
    "shortfall": "clamp",
}


def test_shows_that_nothing_is_accepted_before_anybody_decided(admin: Browser) -> None:
    page = admin.text(PAGE)

    assert "未开通" in page
    assert "尚未开通积分抵现" in page


def test_is_saved_and_told_as_a_sentence(admin: Browser, session: Session) -> None:
    page = admin.submit(PAGE, **FORM)

    assert "50 积分抵 1 元，最多抵订单金额的 30%，每单最多 5,000 积分" in page
    assert current_policy(session) == CheckoutPolicy(
        is_accepting_points=True,
        points_per_yuan=50,
        share_max_percent=30,
        points_max=5_000,
        points_step=50,
        hold_minutes=15,
        shortfall=Shortfall.CLAMP,
    )


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"points_step": "49"}, "每一份积分须正好抵整分钱"),
        ({"share_max_percent": "101"}, "1 到 100"),
        ({"points_max": "x"}, "填写的内容不正确"),
        ({"shortfall": "refuse"}, "已经发生的退款不能拒绝"),
    ],
)
def test_that_could_not_be_applied_is_refused_and_what_was_typed_stays(
    admin: Browser, session: Session, changes: dict[str, str], told: str
) -> None:
    values = {**FORM, "points_per_yuan": "30000" if "points_step" in changes else "50", **changes}

    answer = admin.post(PAGE, **values)

    assert answer.status_code == 422
    assert told in answer.text
    assert 'value="15"' in answer.text
    assert current_policy(session) == CheckoutPolicy()


def test_an_auditor_reads_only(log_in: LogIn) -> None:
    auditor = log_in(Role.AUDITOR)

    assert "保存" not in auditor.text(PAGE)
    assert auditor.post(PAGE, **FORM).status_code == 403
