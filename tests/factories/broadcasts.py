"""Broadcasts for tests: a mapped template, members with ways to them, and a stage that sends to recording accounts."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.courier import Courier
from loyalty.broadcasts import service
from loyalty.broadcasts.models import Attempt, Recipient
from loyalty.broadcasts.queries import get_broadcast
from loyalty.broadcasts.rules.channels import Channel
from loyalty.broadcasts.rules.content import MessageContent
from loyalty.broadcasts.rules.policy import PushPolicy
from loyalty.broadcasts.service.claiming import Group, claim_group
from loyalty.broadcasts.service.sorting import sort_page
from loyalty.channels import service as channels
from loyalty.channels.rules.templates import TemplateChannel
from loyalty.channels.service.templates import TemplateSettings
from loyalty.gateways.null import NullMiniProgram, NullOfficialAccount
from loyalty.kernel.audit import Actor
from loyalty.kernel.database import Database
from loyalty.members.models import Identity, Member
from loyalty.members.rules.identities import IdentityKind
from loyalty.notices.models import SubscriptionGrant
from loyalty.notices.rules import KINDS, NoticeKind
from loyalty.notices.service import GrantSource, record_grants
from loyalty.notices.service.windows import Act, open_window
from tests.factories.members import make_identity, make_member
from tests.factories.notices import null_accounts
from tests.support.settings import MP_APPID

CAMPAIGN_TEMPLATE = "mp-template-campaign"
ACTOR = Actor("staff:1")
CONTENT = MessageContent("周年庆", "全场咖啡第二杯半价，本周日截止。", link="/h5/coupons", page="pages/index/index")
EVERY = (Channel.SUBSCRIPTION, Channel.CUSTOMER, Channel.INBOX)
_serial = itertools.count(1)


def map_template(session: Session, *, at: datetime, appid: str = MP_APPID) -> None:
    channels.save_template(
        session,
        appid=appid,
        notice_kind=NoticeKind.CAMPAIGN,
        channel=TemplateChannel.SUBSCRIPTION,
        settings=TemplateSettings(
            template_id=CAMPAIGN_TEMPLATE, title="活动通知", mapping={"thing1": "{title}", "thing2": "{body}"}
        ),
        facts=KINDS[NoticeKind.CAMPAIGN].facts,
        actor=ACTOR,
        at=at,
    )


def make_grant(session: Session, identity: Identity, *, at: datetime, count: int = 1) -> None:
    for _ in range(count):
        record_grants(
            session,
            identity_id=identity.id,
            answers={CAMPAIGN_TEMPLATE: "accept"},
            source=GrantSource.POPUP_EVENT,
            reference=f"push:broadcast-{next(_serial)}",
            at=at,
        )


def make_broadcast(
    session: Session, member_ids: Sequence[int], *, at: datetime, chosen: Sequence[Channel] = EVERY
) -> int:
    broadcast_id = service.create(
        session, subject=f"test:{next(_serial)}", content=CONTENT, channels=chosen, at=at
    )  # fmt: skip
    service.add_members(session, broadcast_id=broadcast_id, member_ids=member_ids, due_at=at, at=at)
    return broadcast_id


@dataclass
class Stage:
    """Members and the null accounts that record what would be sent to them."""

    database: Database
    session: Session
    at: datetime
    zone: ZoneInfo
    official_account: NullOfficialAccount = field(init=False)
    mini_program: NullMiniProgram = field(init=False)

    def __post_init__(self) -> None:
        self.accounts, self.official_account, self.mini_program = null_accounts()
        map_template(self.session, at=self.at)

    def member(self, *, grants: int = 0, has_mini: bool = True) -> tuple[Member, Identity | None]:
        member = make_member(self.session)
        mini = make_identity(self.session, member=member, kind=IdentityKind.MINI_PROGRAM) if has_mini else None
        if mini is not None:
            make_grant(self.session, mini, at=self.at, count=grants)
        return member, mini

    def writer(self) -> tuple[Member, Identity]:
        """A follower who wrote to us just now."""
        member = make_member(self.session)
        official = make_identity(self.session, member=member, is_following=True)
        self.wrote(official)
        return member, official

    def wrote(self, identity: Identity) -> None:
        kind = IdentityKind(identity.kind)
        open_window(self.session, identity_id=identity.id, kind=kind, act=Act.WROTE, acted_at=self.at)

    def broadcast(self, *members: Member, chosen: Sequence[Channel] = EVERY) -> int:
        return make_broadcast(self.session, [member.id for member in members], at=self.at, chosen=chosen)

    def send(self, broadcast_id: int, *, at: datetime | None = None) -> int:
        """Do steps until there is nothing more to do now."""
        total = 0
        with Courier(self.accounts, a_second=10_000, public_base_url="https://shop.example") as courier:
            while done := service.send_group(
                self.database, courier=courier, broadcast_id=broadcast_id, zone=self.zone, at=at or self.at
            ):
                total += done
                assert total < 10_000, "it never ends"
        return total

    def claim(self, broadcast_id: int, *, policy: PushPolicy | None = None, at: datetime | None = None) -> Group:
        at, broadcast = at or self.at, get_broadcast(self.session, broadcast_id=broadcast_id)
        sort_page(self.session, broadcast_id=broadcast_id, channels=broadcast.channels, at=at)
        return claim_group(
            self.session, broadcast=broadcast, size=64, policy=policy or PushPolicy(), zone=self.zone, at=at
        )

    def sort(self, broadcast_id: int) -> None:
        broadcast = get_broadcast(self.session, broadcast_id=broadcast_id)
        sort_page(self.session, broadcast_id=broadcast_id, channels=broadcast.channels, at=self.at)

    def outcome(self, broadcast_id: int, member: Member) -> tuple[str, str | None]:
        row = self.session.execute(
            select(Recipient.state, Recipient.reason).where(
                Recipient.broadcast_id == broadcast_id, Recipient.member_id == member.id
            )
        ).one()
        return row.state, row.reason

    def attempts(self, member: Member) -> list[tuple[str, str]]:
        rows = self.session.execute(
            select(Attempt.channel, Attempt.state)
            .join(Recipient, Recipient.id == Attempt.recipient_id)
            .where(Recipient.member_id == member.id)
            .order_by(Attempt.id)
        )
        return [(row.channel, row.state) for row in rows]

    def grants(self, identity: Identity | None) -> int:
        assert identity is not None
        balance = select(SubscriptionGrant.balance).where(SubscriptionGrant.identity_id == identity.id)
        return self.session.scalar(balance) or 0
