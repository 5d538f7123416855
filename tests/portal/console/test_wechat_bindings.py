"""Binding staff to their WeChat from the back office: a QR code that is good once, and taking it away."""

import re

from sqlalchemy.orm import Session

from loyalty.staff.bindings import bound_at
from loyalty.staff.models import StaffAccount
from loyalty.staff.rules import Role
from loyalty.staff.service.bindings import bind
from tests.factories.staff import make_staff
from tests.portal.console.conftest import LogIn
from tests.support.containers import NullContainer
from tests.support.settings import OA_APPID


def open_link(session: Session, container: NullContainer, page: str, staff: StaffAccount) -> None:
    """Confirm what the page's link leads to, in the WeChat of its holder."""
    token = re.search(r"http://localhost/h5/clerk/binding/([\w-]+)", page)
    assert token
    assert "<svg" in page
    at, openid = container.clock.now(), f"o-of-{staff.id}"
    bind(session, token=token[1], appid=OA_APPID, openid=openid, at=at, ip=None, request_id=None)
    session.commit()


def test_an_administrator_hands_out_the_code_and_unbinds(
    log_in: LogIn, session: Session, container: NullContainer
) -> None:
    browser, clerk = log_in(), make_staff(session, Role.CLERK)
    session.commit()
    page = f"/console/staff/{clerk.id}"
    assert "未绑定" in browser.text(page)

    open_link(session, container, browser.submit(f"{page}/wechat/link"), clerk)

    assert "已绑定" in browser.text(page)
    assert "已解绑" in browser.submit(f"{page}/wechat/off")
    assert bound_at(session, staff_id=clerk.id) is None


def test_a_clerk_binds_and_unbinds_themself(log_in: LogIn, session: Session, container: NullContainer) -> None:
    browser = log_in(Role.CLERK)
    assert browser.staff is not None

    open_link(session, container, browser.submit("/console/wechat-binding/link"), browser.staff)

    assert "http://localhost/h5/clerk" in browser.text("/console/wechat-binding")
    assert "已解绑" in browser.submit("/console/wechat-binding/off")


def test_whoever_is_bound_already_gets_no_code_and_a_clerk_none_for_others(
    log_in: LogIn, session: Session, container: NullContainer
) -> None:
    clerk = log_in(Role.CLERK)
    assert clerk.staff is not None
    open_link(session, container, clerk.submit("/console/wechat-binding/link"), clerk.staff)

    assert clerk.post("/console/wechat-binding/link").status_code == 409
    assert clerk.post(f"/console/staff/{clerk.staff.id}/wechat/link").status_code == 403
