"""Coupons for many in the console: reckoned, approved by another, watched, stopped and undone."""

import io
import re

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from loyalty.coupons.models import Coupon, CouponIssueJob
from loyalty.kernel.audit import AuditEntry
from loyalty.members.models import Member
from loyalty.staff.rules import Role
from tests.factories.coupon_uses import use_up
from tests.factories.issue_jobs import list_of, made, names, template_of, work_off
from tests.factories.stores import make_store
from tests.factories.tags import make_tag, put_tag
from tests.portal.console.conftest import Browser, LogIn
from tests.support.containers import NullContainer


@pytest.fixture
def maker(log_in: LogIn) -> Browser:
    return log_in(Role.MARKETER)


@pytest.fixture
def checker(log_in: LogIn) -> Browser:
    return log_in(Role.MARKETER)


@pytest.fixture
def members(session: Session) -> list[Member]:
    members = list(made(session, 3))
    session.commit()
    return members


@pytest.fixture
def template_id(session: Session) -> int:
    return template_of(session)


def upload(browser: Browser, template_id: int, content: bytes, **fields: object) -> str:
    file = (io.BytesIO(content), "名单.csv")
    values = {"title": "三月发券", "template_id": str(template_id), "source": "file", "file": file}
    return browser.submit("/console/coupon-issues", **{**values, **fields})


def latest(session: Session) -> str:
    return f"/console/coupon-issues/{session.scalars(select(func.max(CouponIssueJob.id))).one()}"


def test_goes_from_the_file_to_the_members_and_back_by_two_people(
    maker: Browser,
    checker: Browser,
    container: NullContainer,
    session: Session,
    members: list[Member],
    template_id: int,
) -> None:
    assert "试算中" in upload(maker, template_id, list_of([*names(members), "abc"]))
    path = latest(session)
    work_off(container)
    page = maker.text(path)
    assert "3 张" in page
    assert "手机号或会员号不正确" in page
    assert "¥60.00" in page
    assert "不能复核自己的任务" in maker.submit(f"{path}/submit")
    assert "请由其他同事复核" in maker.post(f"{path}/decide", decision="approve").get_data(as_text=True)

    assert "已通过，开始发放" in checker.submit(f"{path}/decide", decision="approve")
    assert "已暂停" in checker.submit(f"{path}/pause")
    work_off(container)
    assert "已处理 0 / 3 人" in checker.text(f"{path}/progress")
    checker.submit(f"{path}/resume")
    work_off(container)
    assert "已处理 3 / 3 人（100%）" in checker.text(path)

    coupon = session.scalars(select(Coupon).where(Coupon.member_id == members[0].id)).one()
    use_up(session, members[0].id, coupon.id)
    session.commit()
    preview = checker.text(f"{path}/undo")
    assert re.search(r"可撤回</dt><dd>2 张", preview)
    assert "已使用，未撤回" in preview
    checker.submit(f"{path}/undo")
    work_off(container)

    assert "已撤回" in checker.text(path)
    assert session.scalars(select(Coupon.state).order_by(Coupon.member_id)).all() == ["redeemed", "voided", "voided"]
    told = select(AuditEntry.action).where(AuditEntry.action.startswith("coupon_issues.")).order_by(AuditEntry.id)
    actions = session.scalars(told).all()
    assert actions == [f"coupon_issues.{verb}" for verb in ("create", "pause", "resume", "undo")]
    lines = maker.post(f"{path}/problems").get_data(as_text=True)
    assert lines.splitlines()[1:] == ["5,手机号或会员号不正确"]
    kept = maker.post(f"{path}/outcomes").get_data(as_text=True)
    assert kept.splitlines()[1:] == [f"{members[0].number},2,已使用，未撤回"]


def test_paused_is_stopped_and_leaves_what_was_issued(
    maker: Browser,
    checker: Browser,
    container: NullContainer,
    session: Session,
    members: list[Member],
    template_id: int,
) -> None:
    tag_id = make_tag(session)
    put_tag(session, tag_id, *(member.id for member in members))
    session.commit()
    upload(maker, template_id, b"", source="tag", tag_id=str(tag_id))
    path = latest(session)
    work_off(container)
    maker.submit(f"{path}/submit")
    checker.submit(f"{path}/decide", decision="approve")
    checker.submit(f"{path}/pause")
    assert "停止并撤回" in checker.text(path)

    assert "已停止" in checker.submit(f"{path}/stop")
    work_off(container)

    assert session.scalar(select(func.count()).select_from(Coupon)) == 0
    assert "已停止" in maker.text("/console/coupon-issues?state=stopped")
    assert "三月发券" in maker.text("/console/coupon-issues.csv")


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"title": " "}, "请填写任务名称"),
        ({"title": "三" * 61}, "请填写任务名称"),
        ({"file": ""}, "请选择文件"),
        ({"file": (io.BytesIO(b""), "空.csv")}, "请选择文件"),
        ({"source": "everybody"}, "填写的内容不正确"),
        ({"source": "tag", "tag_id": ""}, "填写的内容不正确"),
        ({"source": "tag", "tag_id": "999999999"}, "没有找到这个标签"),
        ({"template_id": "999999999"}, "没有找到该优惠券"),
        ({"template_id": "x"}, "填写的内容不正确"),
        ({"store_id": "999999999"}, "没有找到"),
    ],
)
def test_refuses_a_form_in_words(
    maker: Browser, session: Session, template_id: int, fields: dict[str, object], told: str
) -> None:
    values = {"title": "发券", "template_id": str(template_id), "source": "file", "csrf_token": maker._csrf_token()}
    file = (io.BytesIO(b"1"), "a.csv")

    answer = maker.client.post("/console/coupon-issues", data={**values, "file": file, **fields})

    assert answer.status_code in (404, 422)
    assert told in answer.get_data(as_text=True)
    assert session.scalar(select(func.count()).select_from(CouponIssueJob)) == 0


def test_of_a_file_that_cannot_be_read_says_why(
    maker: Browser, container: NullContainer, session: Session, template_id: int
) -> None:
    upload(maker, template_id, b"PK\x03\x04 and no more")
    work_off(container)

    page = maker.text(latest(session))

    assert "文件已损坏" in page
    assert "没有发出任何券" in page


def test_is_refused_without_the_token_of_the_form(maker: Browser, session: Session) -> None:
    answer = maker.client.post("/console/coupon-issues", data={"title": "发券"})

    assert answer.status_code == 400
    assert session.scalar(select(func.count()).select_from(CouponIssueJob)) == 0


def test_is_for_those_who_see_the_whole_chain_and_may_issue(log_in: LogIn, session: Session) -> None:
    part, finance = log_in(Role.MARKETER, stores=[make_store(session)]), log_in(Role.FINANCE)

    assert part.get("/console/coupon-issues").status_code == 403
    assert part.post("/console/coupon-issues").status_code == 403
    assert part.post("/console/coupon-issues/1/decide", decision="approve").status_code == 403
    assert finance.get("/console/coupon-issues").status_code == 200
    assert finance.get("/console/coupon-issues/new").status_code == 403
