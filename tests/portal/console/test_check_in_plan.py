"""The check-in plan is filled in, previewed as it pays, and saved as a revision from a day on."""

from datetime import date

import pytest
from sqlalchemy.orm import Session

from loyalty.check_ins.queries import list_plans
from loyalty.check_ins.rules import Plan
from loyalty.staff.rules import Role
from tests.factories.check_ins import make_plan
from tests.portal.console.conftest import Browser, LogIn

ADDRESS = "/console/check-in-plan"
FORM = {
    "base": ["1", "2", "3"],
    "bonus": ["", "", "10"],
    "growth": "1",
    "valid_days": "90",
    "live_from_on": "2026-03-11",
}


def test_shows_the_plan_in_force_and_what_a_cycle_pays(admin: Browser, session: Session) -> None:
    revision = make_plan(session)
    session.commit()

    page = admin.text(ADDRESS)

    assert f"生效中：第 {revision} 版" in page
    assert "连续签到 7 天共得 48 积分、14 成长值" in page


def test_before_any_plan_offers_one_to_begin_with(admin: Browser) -> None:
    page = admin.text(ADDRESS)

    assert "签到尚未开始" in page
    assert "连续签到 7 天共得 75 积分" in page


def test_is_previewed_by_what_pays_and_saves_nothing(admin: Browser, session: Session) -> None:
    page = admin.submit(f"{ADDRESS}/preview", **FORM)

    assert "连续签到 3 天共得 16 积分、3 成长值" in page
    assert list_plans(session) == []


def test_is_saved_as_a_revision_from_a_day_on(admin: Browser, session: Session) -> None:
    page = admin.submit(ADDRESS, **FORM)

    assert "2026-03-11 起生效" in page
    assert "待生效" in page
    (saved,) = list_plans(session)
    assert saved.plan == Plan((1, 2, 3), {3: 10}, growth=1, valid_days=90)
    assert saved.live_from_on == date(2026, 3, 11)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"live_from_on": "2026-03-09"}, "不能早于今天"),
        ({"live_from_on": ""}, "填写的内容不正确"),
        ({"base": ["1", "20000", "3"]}, "第 2 天的积分须为 0 到 10000"),
        ({"base": ["0", "0", "0"], "bonus": ["", "", ""]}, "至少有一天要发积分"),
        ({"base": ["x", "0", "0"]}, "填写的内容不正确"),
        ({"base": [], "bonus": []}, "至少有一天"),
        ({"valid_days": "99999"}, "有效天数须为"),
    ],
)
def test_that_could_not_be_paid_is_refused_and_what_was_typed_stays(
    admin: Browser, session: Session, changes: dict[str, object], told: str
) -> None:
    answer = admin.post(ADDRESS, **(FORM | changes))

    assert answer.status_code == 422
    assert told in answer.text
    assert list_plans(session) == []


def test_can_have_a_longer_or_a_shorter_cycle(admin: Browser, session: Session) -> None:
    make_plan(session)
    session.commit()

    assert "第 10 天" in admin.text(f"{ADDRESS}?days=10")
    assert "第 3 天" not in admin.text(f"{ADDRESS}?days=2")
    assert admin.get(f"{ADDRESS}?days=367").status_code == 422


def test_is_read_only_for_auditors(log_in: LogIn) -> None:
    auditor = log_in(Role.AUDITOR)

    assert "保存方案" not in auditor.text(ADDRESS)
    assert auditor.post(ADDRESS, **FORM).status_code == 403
