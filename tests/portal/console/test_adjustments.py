"""Adjusting points in the console: one member at once, and a file that two people handle."""

import io
import re

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from loyalty.adjustments.models import AdjustmentBatch
from loyalty.kernel.audit import AuditEntry
from loyalty.members.models import Member
from loyalty.points.models import LedgerEntry
from loyalty.staff.rules import Role
from loyalty.stores.models import Store
from tests.factories.adjustments import csv_of, work_off
from tests.factories.members import make_member, unused_phone
from tests.factories.points import balance_of, earn, spend
from tests.factories.stores import make_store
from tests.portal.console.conftest import Browser, LogIn
from tests.support.containers import NullContainer

_KEY = re.compile(r'name="key" value="([0-9a-f]{32})"')


@pytest.fixture
def member(session: Session) -> Member:
    member = make_member(session)
    earn(session, member.id, 100)
    session.commit()
    return member


@pytest.fixture
def phone(session: Session) -> str:
    phone = unused_phone()
    make_member(session, phone=phone)
    session.commit()
    return phone


def upload(browser: Browser, content: bytes, **fields: object) -> str:
    values = {"title": "三月补发", "reason": "campaign", "file": (io.BytesIO(content), "补发.csv")}
    return browser.submit("/console/adjustments", **{**values, **fields})


def latest(session: Session) -> str:
    batch_id = session.scalars(select(func.max(AdjustmentBatch.id))).one()
    return f"/console/adjustments/{batch_id}"


class TestSingle:
    def test_moves_the_points_once_however_often_the_form_is_sent(
        self, finance: Browser, session: Session, member: Member
    ) -> None:
        path = f"/console/members/{member.id}/adjust"
        key = _KEY.findall(finance.text(path))[0]
        fields = {"direction": "take", "points": "30", "reason": "violation", "key": key}

        pages = [finance.submit(path, **fields) for _ in range(2)]

        assert "已调整积分" in pages[0]
        assert balance_of(session, member.id) == 70
        audited = session.scalars(select(AuditEntry.after).where(AuditEntry.action == "adjustments.adjust")).all()
        assert [(one["points"], one["reason"]) for one in audited if one] == [(-30, "violation")]

    @pytest.mark.parametrize(
        ("changed", "told"),
        [
            ({"points": "10001"}, "单次调整不能超过"),
            ({"points": "1.5"}, "填写的内容不正确"),
            ({"points": "0"}, "积分数量不正确"),
            ({"points": "101", "direction": "take"}, "可用积分不足"),
            ({"reason": "because"}, "填写的内容不正确"),
            ({"direction": "up"}, "填写的内容不正确"),
            ({"key": "short"}, "填写的内容不正确"),
            ({"expires_on": "2026-03-09"}, "到期日不能早于今天"),
            ({"expires_on": "9999-12-31"}, "到期日不能早于今天"),
        ],
    )
    def test_refuses_in_words_and_keeps_what_was_filled_in(
        self, finance: Browser, session: Session, member: Member, changed: dict[str, str], told: str
    ) -> None:
        path = f"/console/members/{member.id}/adjust"
        fields = {"direction": "give", "points": "7", "reason": "gift", "key": "a" * 32}

        answer = finance.post(path, **{**fields, **changed})

        assert answer.status_code in (409, 422)
        assert told in answer.get_data(as_text=True)
        assert balance_of(session, member.id) == 100

    def test_is_for_members_within_the_scope(self, log_in: LogIn, session: Session, member: Member) -> None:
        store: Store = make_store(session)
        browser = log_in(Role.FINANCE, stores=[store])

        answer = browser.post(
            f"/console/members/{member.id}/adjust", direction="give", points="5", reason="gift", key="a" * 32
        )

        assert answer.status_code == 404
        assert balance_of(session, member.id) == 100


class TestBatch:
    def test_goes_from_the_file_to_the_points_and_back_by_two_people(
        self, log_in: LogIn, finance: Browser, container: NullContainer, session: Session, phone: str
    ) -> None:
        maker = log_in(Role.MARKETER)
        assert "校验中" in upload(maker, csv_of([(phone, 200)]))
        path = latest(session)
        work_off(container)
        assert "1 人，共 200 积分" in maker.text(path)
        assert "上传人和提交人不能复核" in maker.submit(f"{path}/submit")
        assert "通过并执行" in finance.text(path)

        assert "已通过，开始执行" in finance.submit(f"{path}/decide", decision="approve")
        assert "暂停" in finance.text(path)
        assert "已暂停" in finance.submit(f"{path}/pause")
        work_off(container)
        assert "已处理 0 / 1 行" in finance.text(f"{path}/progress")
        finance.submit(f"{path}/resume")
        work_off(container)
        assert "已处理 1 / 1 行（100%）" in finance.text(path)

        member_id = session.scalars(select(LedgerEntry.member_id).where(LedgerEntry.kind == "adjust")).one()
        assert balance_of(session, member_id) == 200
        spend(session, member_id, 50)
        session.commit()
        assert "150 积分" in finance.text(f"{path}/undo")
        finance.submit(f"{path}/undo")
        work_off(container)

        page = finance.text(path)
        assert "已撤销" in page
        assert "其中 50 积分已用完或被占用，未能扣回" in page
        assert balance_of(session, member_id) == 0

    def test_paused_on_the_way_is_stopped_and_undone(
        self, finance: Browser, log_in: LogIn, container: NullContainer, session: Session, phone: str
    ) -> None:
        maker = log_in(Role.MARKETER)
        upload(maker, csv_of([(phone, 200)]))
        path = latest(session)
        work_off(container)
        maker.submit(f"{path}/submit")
        finance.submit(f"{path}/decide", decision="approve")
        assert "停止并撤销" not in finance.text(path)
        finance.submit(f"{path}/pause")

        assert "停止并撤销" in finance.text(path)
        assert "只执行了 0 / 1 行" in finance.text(f"{path}/undo")
        assert "开始撤销" in finance.submit(f"{path}/undo")
        work_off(container)

        assert "已撤销" in finance.text(path)

    def test_whose_telling_failed_shows_the_error_and_tells_on(
        self,
        finance: Browser,
        log_in: LogIn,
        container: NullContainer,
        session: Session,
        phone: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        maker = log_in(Role.MARKETER)
        upload(maker, csv_of([(phone, 200)]))
        path = latest(session)
        work_off(container)
        maker.submit(f"{path}/submit")
        finance.submit(f"{path}/decide", decision="approve")
        with monkeypatch.context() as broken:
            broken.setattr("jobs.adjustments.TOLD_PER_PAGE", "no number")
            work_off(container)
        page = finance.text(path)
        assert "通知会员" in page
        assert "执行出错，已自动暂停" in page

        finance.submit(f"{path}/resume")
        work_off(container)

        assert "已通知 1 位会员" in finance.text(path)

    def test_shows_and_hands_out_every_wrong_line(
        self, finance: Browser, container: NullContainer, session: Session, phone: str
    ) -> None:
        upload(finance, csv_of([(phone, "=1+1"), (phone, "2.5"), (phone, 1), (phone, 1)]))
        path = latest(session)

        work_off(container)

        page = finance.text(path)
        assert "有错误行" in page
        assert "提交复核" not in page
        download = finance.post(f"{path}/problems").get_data(as_text=True)
        assert download.splitlines()[1:] == [
            "2,单元格是公式，请粘贴为数值", "3,积分不能是小数", "5,与第 4 行是同一会员",
        ]  # fmt: skip

    def test_refuses_two_hundred_megabytes_by_their_announced_length(self, finance: Browser, session: Session) -> None:
        token = finance._csrf_token()
        answer = finance.client.post(
            "/console/adjustments",
            input_stream=io.BytesIO(b"--x\r\n"),
            content_type="multipart/form-data; boundary=x",
            environ_overrides={"CONTENT_LENGTH": str(200 * 1024 * 1024)},
            headers={"X-CSRFToken": token},
        )

        assert answer.status_code == 422
        assert "不能超过 50 MB" in answer.get_data(as_text=True)
        assert session.scalar(select(func.count()).select_from(AdjustmentBatch)) == 0

    @pytest.mark.parametrize(
        ("fields", "told"),
        [
            ({"title": " "}, "请填写批次名称"),
            ({"title": "三" * 61}, "请填写批次名称"),
            ({"reason": ""}, "填写的内容不正确"),
            ({"expires_on": "昨天"}, "填写的内容不正确"),
            ({"expires_on": "2020-01-01"}, "到期日不能早于今天"),
            ({"file": (io.BytesIO(b""), "空.csv")}, "请选择文件"),
            ({"file": ""}, "请选择文件"),
        ],
    )
    def test_refuses_a_form_in_words(self, finance: Browser, fields: dict[str, object], told: str) -> None:
        token = finance._csrf_token()
        values = {"title": "补发", "reason": "gift", "file": (io.BytesIO(b"1"), "a.csv"), "csrf_token": token}

        answer = finance.client.post("/console/adjustments", data={**values, **fields})

        assert answer.status_code == 422
        assert told in answer.get_data(as_text=True)

    def test_is_refused_without_the_token_of_the_form(self, finance: Browser, session: Session) -> None:
        answer = finance.client.post("/console/adjustments", data={"title": "补发", "reason": "gift"})

        assert answer.status_code == 400
        assert session.scalar(select(func.count()).select_from(AdjustmentBatch)) == 0

    def test_is_for_those_who_see_the_whole_chain(self, log_in: LogIn, session: Session) -> None:
        browser = log_in(Role.FINANCE, stores=[make_store(session)])

        assert browser.get("/console/adjustments").status_code == 403
        assert browser.get("/console/adjustments/new").status_code == 403
        assert browser.post("/console/adjustments").status_code == 403
        assert browser.post("/console/adjustments/1/decide", decision="approve").status_code == 403

    def test_is_approved_by_those_who_may(
        self, log_in: LogIn, container: NullContainer, session: Session, phone: str
    ) -> None:
        maker, other = log_in(Role.MARKETER), log_in(Role.MARKETER)
        upload(maker, csv_of([(phone, 5)]))
        path = latest(session)
        work_off(container)
        maker.submit(f"{path}/submit")

        assert other.post(f"{path}/decide", decision="approve").status_code == 403
        assert "等待有复核权限的同事处理" in other.text(path)
