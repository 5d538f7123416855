"""Sending for the tests of notices: a member with both accounts, and accounts that record."""

from dataclasses import dataclass
from datetime import datetime

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.gateways.answers import SendOutcome, SendReason, SendState
from loyalty.gateways.null import NullMiniProgram, NullOfficialAccount
from loyalty.kernel.database import Database
from loyalty.kernel.outbox import OutboxEvent
from loyalty.members.models import Identity
from loyalty.members.rules.identities import IdentityKind
from loyalty.notices import service
from loyalty.notices.models import Notice, NoticeDelivery
from loyalty.notices.service import Accounts
from tests.factories.members import make_identity, make_member
from tests.factories.notices import (
    MP_TEMPLATE,
    SHANGHAI,
    grants_of,
    make_templates,
    null_accounts,
    request_notice,
)

NOT_FOLLOWING = SendOutcome(SendState.REFUSED, SendReason.NOT_FOLLOWING, errcode=43004)


@dataclass
class Stage:
    """A member with both accounts, and the null accounts that record what would be sent."""

    database: Database
    session: Session
    member_id: int
    official: Identity
    mini: Identity
    accounts: Accounts
    official_account: NullOfficialAccount
    mini_program: NullMiniProgram

    def notice(self, at: datetime, acted_at: datetime | None = None) -> int:
        return request_notice(self.session, member_id=self.member_id, at=at, acted_at=acted_at)

    def send(self, notice_id: int, at: datetime) -> None:
        service.send(self.database, accounts=self.accounts, notice_id=notice_id, zone=SHANGHAI, at=at)

    def resolve(self, at: datetime) -> int:
        return service.resolve_stale(self.database, accounts=self.accounts, zone=SHANGHAI, at=at)

    def states(self, notice_id: int) -> list[tuple[str, str]]:
        rows = self.session.execute(
            select(NoticeDelivery.channel, NoticeDelivery.state)
            .where(NoticeDelivery.notice_id == notice_id)
            .order_by(NoticeDelivery.id)
        )
        return [(row.channel, row.state) for row in rows]

    def state(self, notice_id: int) -> tuple[str, datetime | None]:
        row = self.session.execute(select(Notice.state, Notice.due_at).where(Notice.id == notice_id)).one()
        return row.state, row.due_at

    def grants(self) -> int:
        return grants_of(self.session, self.mini.id).get(MP_TEMPLATE, 0)

    def requested(self, notice_id: int) -> int:
        payloads = self.session.scalars(select(OutboxEvent.payload).where(OutboxEvent.kind == "notice.requested"))
        return sum(payload == {"notice_id": notice_id} for payload in payloads)


@pytest.fixture
def stage(database: Database, session: Session, at: datetime) -> Stage:
    make_templates(session, at=at)
    member = make_member(session)
    official = make_identity(session, member=member, is_following=True)
    mini = make_identity(session, member=member, kind=IdentityKind.MINI_PROGRAM)
    return Stage(database, session, member.id, official, mini, *null_accounts())
