"""The blocklist: added to by whatever is known of somebody, found by typing it, lifted with a reason."""

import csv
import html
import io
import re
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.kernel.audit import Actor, AuditEntry
from loyalty.kernel.pagination import PAGE_SIZE
from loyalty.members.models import Member
from loyalty.risk.models import Block
from loyalty.risk.queries.blocklist import is_blocked
from loyalty.risk.rules.blocks import BlockKind, Target
from loyalty.risk.rules.subjects import Occasion, Subject
from loyalty.risk.service import assess, block, note_sighting
from loyalty.staff.rules import Role
from tests.factories.members import make_member, unused_phone
from tests.portal.console.conftest import Browser, LogIn
from tests.support.settings import VAULT

ADDRESS = "/console/blocklist"
UNTIL = "2026-04-10"
DAY = timedelta(days=1)
ACTOR = Actor("staff:1")


@pytest.fixture
def officer(log_in: LogIn) -> Browser:
    return log_in(Role.RISK)


def test_a_member_is_blocked_by_number_for_good(
    officer: Browser, member: Member, session: Session, at: datetime
) -> None:
    page = officer.submit(ADDRESS, kind="member", value=member.number, reason="刷单")

    assert "已加入黑名单" in page
    assert member.number in page
    assert is_blocked(session, subject=Subject(member.id), at=at + timedelta(days=3650))


def test_a_phone_is_blocked_until_the_end_of_a_day_and_nowhere_shown(
    officer: Browser, session: Session, at: datetime
) -> None:
    phone = unused_phone()
    member = make_member(session, phone=phone)
    session.commit()

    page = officer.submit(ADDRESS, kind="phone", value=phone.removeprefix("+86"), reason="刷单", last_on=UNTIL)

    assert UNTIL in page
    assert phone.removeprefix("+86") not in page
    assert is_blocked(session, subject=Subject(member.id), at=datetime.fromisoformat("2026-04-10T23:59:00+08:00"))
    assert not is_blocked(session, subject=Subject(member.id), at=datetime.fromisoformat("2026-04-11T00:00:00+08:00"))


@pytest.mark.parametrize(("kind", "value"), [("device", "phone-9"), ("ip", "203.0.113.9")])
def test_a_device_or_an_address_is_blocked_and_found_by_typing_it(
    officer: Browser, member: Member, session: Session, at: datetime, kind: str, value: str
) -> None:
    seen = Subject(member.id, device="phone-9", ip="203.0.113.9")
    note_sighting(session, vault=VAULT, occasion=Occasion.ENROLMENT, subject=seen, at=at)
    officer.submit(ADDRESS, kind=kind, value=value, reason="农场", last_on=UNTIL)

    found = officer.submit(f"{ADDRESS}/find", kind=kind, value=value)
    other = officer.submit(f"{ADDRESS}/find", kind=kind, value="something-else")

    assert is_blocked(session, subject=Subject(member.id), at=at)
    assert found.count('data-testid="block"') == 1
    assert other.count('data-testid="block"') == 0


def test_what_was_found_is_paged_and_exported_as_found_without_what_was_typed(
    officer: Browser, session: Session, at: datetime
) -> None:
    target = Target(BlockKind.IP, "203.0.113.77")
    for _ in range(PAGE_SIZE + 1):
        block(session, vault=VAULT, target=target, reason="农场", expires_at=at + DAY, actor=ACTOR, at=at)
    block(session, vault=VAULT, target=Target(BlockKind.IP, "203.0.113.78"), reason="别的", expires_at=at + DAY,
          actor=ACTOR, at=at)  # fmt: skip
    session.commit()

    led = officer.post(f"{ADDRESS}/find", kind="ip", value="203.0.113.77").headers["Location"]
    first = officer.text(led)
    (following,) = re.findall(r'rel="next" href="([^"]+)"', first)
    exported = list(csv.DictReader(io.StringIO(officer.post(led.replace("?", "/export?")).text.lstrip("\ufeff"))))

    assert "203.0.113.77" not in led
    assert first.count('data-testid="block"') == PAGE_SIZE
    assert officer.text(html.unescape(following)).count('data-testid="block"') == 1
    assert [row["理由"] for row in exported] == ["农场"] * (PAGE_SIZE + 1)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"kind": "member", "value": "1999999999"}, "没有找到"),
        ({"kind": "phone", "value": "12345", "last_on": UNTIL}, "手机号"),
        ({"kind": "device", "value": "phone-9"}, "黑名单设置不正确"),
        ({"kind": "device", "value": "phone-9", "last_on": "2026-03-09"}, "黑名单设置不正确"),
        ({"kind": "ip", "value": "", "last_on": UNTIL}, "黑名单设置不正确"),
        ({"kind": "ip", "value": "203.0.113.9", "last_on": UNTIL, "reason": ""}, "理由"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(
    officer: Browser, session: Session, fields: dict[str, str], told: str
) -> None:
    page = officer.submit(ADDRESS, **({"reason": "x"} | fields))

    assert told in page
    assert session.scalars(select(Block)).all() == []


def test_a_member_seen_on_no_device_is_told_and_nothing_is_blocked(
    officer: Browser, member: Member, session: Session, at: datetime
) -> None:
    decision = assess(
        session, vault=VAULT, occasion=Occasion.MISSION, reference="m:1", subject=Subject(member.id), facts={}, at=at
    )
    session.commit()

    page = officer.submit(f"/console/risk/{decision.id}/block", kind="device", reason="农场", last_on=UNTIL)

    assert "没有这位会员用过的设备或网络地址" in page
    assert "已加入黑名单" not in page
    assert session.scalars(select(Block)).all() == []


def test_is_lifted_once_with_a_reason(officer: Browser, member: Member, session: Session, at: datetime) -> None:
    officer.submit(ADDRESS, kind="member", value=member.number, reason="刷单")
    block_id = session.scalars(select(Block.id)).one()

    officer.submit(f"{ADDRESS}/{block_id}/lift", reason="")
    assert is_blocked(session, subject=Subject(member.id), at=at)
    officer.submit(f"{ADDRESS}/{block_id}/lift", reason="误判")

    assert not is_blocked(session, subject=Subject(member.id), at=at)
    assert "已经解除" in officer.submit(f"{ADDRESS}/{block_id}/lift", reason="误判")


def test_is_filtered_and_exported_and_the_audit_log_knows(officer: Browser, member: Member, session: Session) -> None:
    officer.submit(ADDRESS, kind="member", value=member.number, reason="刷单")
    officer.submit(ADDRESS, kind="ip", value="203.0.113.9", reason="机房", last_on=UNTIL)

    assert officer.text(f"{ADDRESS}?kind=ip").count('data-testid="block"') == 1
    assert officer.text(f"{ADDRESS}?is_live=ended").count('data-testid="block"') == 0
    assert officer.get(f"{ADDRESS}?is_live=x").status_code == 422
    rows = list(csv.reader(io.StringIO(officer.post(f"{ADDRESS}/export?kind=member").text.lstrip("\ufeff"))))
    assert [row[2:4] for row in rows[1:]] == [[member.number, "刷单"]]
    assert session.scalars(select(AuditEntry).where(AuditEntry.action == "risk.export_blocks")).one()


def test_an_auditor_reads_it_and_changes_nothing(log_in: LogIn) -> None:
    auditor = log_in(Role.AUDITOR)

    assert "加入黑名单</h2>" not in auditor.text(ADDRESS)
    for path in ("", "/1/lift"):
        assert auditor.post(ADDRESS + path, kind="ip", value="x", reason="x").status_code == 403
