"""Notices for tests: templates of both accounts, grants, and notices of points that changed."""

import itertools
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.channels import service as channels
from loyalty.channels.rules.templates import TemplateChannel
from loyalty.channels.service.templates import TemplateSettings
from loyalty.gateways.null import NullMiniProgram, NullOfficialAccount
from loyalty.kernel.audit import Actor
from loyalty.members.models import Identity
from loyalty.notices import service
from loyalty.notices.models import SubscriptionGrant
from loyalty.notices.rules import KINDS, NoticeKind
from loyalty.notices.service import Accounts, GrantSource
from tests.support.settings import MP_APPID, OA_APPID

SHANGHAI = ZoneInfo("Asia/Shanghai")
OA_TEMPLATE, MP_TEMPLATE = "oa-template-points", "mp-template-points"
MAPPING = {"thing1": "{reason}", "character_string2": "{points}", "time3": "{occurred_at}"}
_serial = itertools.count(1)


def points_facts(**changes: Any) -> dict[str, Any]:
    facts = {
        "member_number": "1000000016",
        "points": 10,
        "balance": 110,
        "reason": "消费获得10积分",
        "occurred_at": "2026-03-10T02:00:00+00:00",
    }
    return facts | changes


def make_templates(session: Session, *, at: datetime) -> None:
    """The template of both accounts for points that changed."""
    for appid, channel, template_id in (
        (OA_APPID, TemplateChannel.TEMPLATE, OA_TEMPLATE),
        (MP_APPID, TemplateChannel.SUBSCRIPTION, MP_TEMPLATE),
    ):
        channels.save_template(
            session,
            appid=appid,
            notice_kind=NoticeKind.POINTS_CHANGED,
            channel=channel,
            settings=TemplateSettings(template_id=template_id, title="积分变动提醒", mapping=MAPPING),
            facts=KINDS[NoticeKind.POINTS_CHANGED].facts,
            actor=Actor("system:test"),
            at=at,
        )


def make_grants(session: Session, identity: Identity, *, count: int, at: datetime) -> None:
    for _ in range(count):
        service.record_grants(
            session,
            identity_id=identity.id,
            answers={MP_TEMPLATE: "accept"},
            source=GrantSource.POPUP_EVENT,
            reference=f"push:test-{next(_serial)}",
            at=at,
        )


def request_notice(
    session: Session, *, member_id: int, at: datetime, subject: str | None = None, acted_at: datetime | None = None
) -> int:
    notice_id = service.request(
        session,
        member_id=member_id,
        kind=NoticeKind.POINTS_CHANGED,
        subject=subject or f"entry:{next(_serial)}",
        facts=points_facts(),
        zone=SHANGHAI,
        at=at,
        acted_at=acted_at,
    )
    assert notice_id is not None
    return notice_id


def null_accounts() -> tuple[Accounts, NullOfficialAccount, NullMiniProgram]:
    official_account, mini_program = NullOfficialAccount(appid=OA_APPID), NullMiniProgram(appid=MP_APPID)
    return Accounts({OA_APPID: official_account}, {MP_APPID: mini_program}), official_account, mini_program


def grants_of(session: Session, identity_id: int) -> Mapping[str, int]:
    """How many subscription messages an identity still allows, by template."""
    row = SubscriptionGrant
    rows = session.execute(select(row.template_id, row.balance).where(row.identity_id == identity_id))
    return {row.template_id: row.balance for row in rows}
