"""The default life of points: a sentence, a form that refuses nonsense, and an entry in the audit log."""

import pytest
from sqlalchemy.orm import Session

from loyalty.kernel import audit
from loyalty.points.rules.expiry import DEFAULT_POLICY, PolicyKind
from loyalty.points.service import programme_policy
from loyalty.staff.rules import Role
from tests.portal.console.conftest import Browser, LogIn

PAGE = "/console/points-expiry"


def test_begins_with_twelve_months_and_says_so(admin: Browser) -> None:
    page = admin.text(PAGE)

    assert "积分自获得之日起12个月内有效" in page
    assert "2027-03-11 00:00 之前" in page


def test_is_changed_and_audited(admin: Browser, session: Session) -> None:
    page = admin.submit(PAGE, kind="end_of_year", n="1", on="2027-01-01")

    assert "积分在获得次年的12月31日24点失效" in page
    policy = programme_policy(session)
    assert (policy.kind, policy.n, policy.on) == (PolicyKind.END_OF_YEAR, 1, None)
    (entry,) = audit.list_entries(session, action="points.save_expiry_policy")
    assert (entry.before, entry.after) == (DEFAULT_POLICY.to_json(), policy.to_json())


@pytest.mark.parametrize(
    "fields", [{"kind": "rolling_days"}, {"kind": "end_of_year", "n": "11"}, {"kind": "fixed_date"}], ids=str
)
def test_refuses_what_could_not_be_reckoned(admin: Browser, session: Session, fields: dict[str, str]) -> None:
    assert "积分有效期设置不正确" in admin.submit(PAGE, **fields)
    assert programme_policy(session) == DEFAULT_POLICY


def test_is_only_read_by_a_store_manager(log_in: LogIn) -> None:
    browser = log_in(Role.STORE_MANAGER)

    assert "保存" not in browser.text(PAGE)
    assert browser.post(PAGE, kind="never").status_code == 403
