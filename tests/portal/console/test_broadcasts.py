"""Broadcasts in the console: what each is, how far it is, its steps; and the push policy."""

from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from loyalty.broadcasts.queries import current_policy, get_broadcast
from loyalty.broadcasts.rules.policy import PushPolicy
from loyalty.broadcasts.rules.states import BroadcastState
from loyalty.staff.rules import Role
from tests.factories.broadcasts import make_broadcast
from tests.factories.members import make_member
from tests.portal.console.conftest import Browser, LogIn

POLICY = {
    "messages_a_day": "2",
    "messages_a_week": "5",
    "service_percent": "30",
    "messages_a_second": "80",
    "subscription_quota": "30000000",
    "customer_quota": "500000",
}


@pytest.fixture
def broadcast_id(session: Session, at: datetime) -> int:
    made = make_broadcast(session, [make_member(session).id for _ in range(3)], at=at)
    session.commit()
    return made


def test_a_broadcast_is_listed_and_told_in_figures(admin: Browser, broadcast_id: int) -> None:
    assert "周年庆" in admin.text("/console/broadcasts")

    page = admin.text(f"/console/broadcasts/{broadcast_id}")

    assert "订阅消息 → 客服窗口 → 站内消息" in page
    assert "等待发送</dt><dd>3" in page
    assert "等待发送</dt><dd>3" in admin.text(f"/console/broadcasts/{broadcast_id}/progress")
    assert "没有符合条件" in admin.text("/console/broadcasts?state=stopped")


def test_a_broadcast_is_paused_resumed_and_stopped(admin: Browser, session: Session, broadcast_id: int) -> None:
    page = f"/console/broadcasts/{broadcast_id}"
    states = []
    for step in ("pause", "resume", "stop"):
        admin.submit(f"{page}/{step}")
        session.expire_all()
        states.append(get_broadcast(session, broadcast_id=broadcast_id).state)

    assert states == [BroadcastState.PAUSED, BroadcastState.RUNNING, BroadcastState.STOPPED]
    assert "确认停止" not in admin.text(page)


def test_the_policy_is_saved_and_bounded(admin: Browser, session: Session) -> None:
    admin.submit("/console/push-policy", **POLICY)
    assert current_policy(session) == PushPolicy(**{name: int(value) for name, value in POLICY.items()})

    refused = admin.post("/console/push-policy", **(POLICY | {"service_percent": "101"}))

    assert refused.status_code == 422
    assert "为服务通知保留的额度须为 0–100" in refused.text
    assert current_policy(session).service_percent == 30


def test_who_may_only_read_sees_no_buttons(log_in: LogIn, broadcast_id: int) -> None:
    auditor = log_in(Role.AUDITOR)

    assert "暂停</button>" not in auditor.text(f"/console/broadcasts/{broadcast_id}")
    assert "保存</button>" not in auditor.text("/console/push-policy")
