"""Making a broadcast, and adding the members it goes to: set-based, each of them once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    FromClause,
    Select,
    String,
    Text,
    bindparam,
    case,
    cast,
    func,
    null,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.orm import Session

from loyalty.broadcasts.models import Broadcast, Recipient
from loyalty.broadcasts.queries.broadcasts import get_broadcast
from loyalty.broadcasts.queries.refusals import refusal_of
from loyalty.broadcasts.rules.channels import Channel, checked_channels
from loyalty.broadcasts.rules.content import MessageContent, check_content
from loyalty.broadcasts.rules.links import GO, PAGE_TOKEN
from loyalty.broadcasts.rules.policy import HELD_AT_MOST
from loyalty.broadcasts.rules.states import Reason, RecipientState
from loyalty.broadcasts.service.waking import wake
from loyalty.kernel.arrays import SentArray
from loyalty.members.models import Member
from loyalty.notices.models import InboxMessage
from loyalty.notices.rules import NoticeKind

_INSTANT = DateTime(timezone=True)


def create(
    session: Session, *, subject: str, content: MessageContent, channels: Sequence[Channel | str], at: datetime
) -> int:
    """Make a broadcast (推送任务), once for each subject, such as ``campaign_run:12``; return its id.

    It begins to send as soon as members are added. What it says never changes: another one for the same subject
    changes nothing.

    Raises:
        InvalidMessageContent, ValueForFollowingOrSharing: it may not be sent.
        InvalidBroadcastChannels: a channel twice, or one that may not carry marketing.
    """
    check_content(content)
    order = checked_channels(channels)
    made: int | None = session.scalar(
        insert(Broadcast)
        .values(
            subject=subject,
            title=content.title,
            body=content.body,
            link=content.link,
            page=content.page,
            channels=[channel.value for channel in order],
            created_at=at,
        )
        .on_conflict_do_nothing(index_elements=["subject"])
        .returning(Broadcast.id)
    )
    return made or session.scalars(select(Broadcast.id).where(Broadcast.subject == subject)).one()


def add_members(
    session: Session, *, broadcast_id: int, member_ids: Sequence[int], due_at: datetime, at: datetime
) -> int:
    """Let a broadcast go to members from ``due_at`` on; return how many of them are new.

    One statement, however many members. Everybody has the message in the inbox at once, but for members who refuse
    marketing or are gone: they get nothing, and are kept with the reason. Of a merged member nothing is passed on.

    Raises:
        BroadcastNotFound: there is no such broadcast.
    """
    broadcast = get_broadcast(session, broadcast_id=broadcast_id)
    if not member_ids:
        return 0
    is_inbox_only = broadcast.channels == (Channel.INBOX,)
    given = {
        "wanted_ids": sorted(set(member_ids)),
        "broadcast": broadcast_id,
        "due": due_at,
        "give_up": due_at + HELD_AT_MOST,
        "now": at,
        "title": broadcast.content.title,
        "body": broadcast.content.body,
        "has_link": broadcast.content.link is not None,
        "page": broadcast.content.page,
        "reached_state": RecipientState.INBOX if is_inbox_only else RecipientState.WAITING,
        "reached_reason": Reason.INBOX_ONLY if is_inbox_only else None,
    }
    added = session.execute(_ADD, given).scalar_one()
    _count(session, broadcast_id, added)
    if added and due_at <= at and not is_inbox_only:
        wake(session, broadcast_id=broadcast_id, at=at)
    return int(added)


def _count(session: Session, broadcast_id: int, added: int) -> None:
    session.execute(
        update(Broadcast)
        .where(Broadcast.id == broadcast_id)
        .values(members_total=Broadcast.members_total + added)
        .execution_options(synchronize_session=False)
    )


def _add_statement() -> Select[Any]:
    """Write recipients, and for those who are new and want it the inbox message; return how many are new."""
    ids = bindparam("wanted_ids", type_=SentArray(BigInteger()))
    wanted = func.unnest(ids).table_valued("id", name="wanted").render_derived()
    now = bindparam("now", type_=_INSTANT)
    judged = (
        select(wanted.c.id.label("member_id"), refusal_of(wanted.c.id, at=now).label("refusal"))
        .join_from(wanted, Member, Member.id == wanted.c.id)
        .cte("judged")
    )
    one = judged.c
    rows = select(
        bindparam("broadcast", type_=BigInteger),
        one.member_id,
        case((one.refusal.is_not(None), RecipientState.LEFT_OUT.value), else_=bindparam("reached_state", type_=String)),
        func.coalesce(one.refusal, bindparam("reached_reason", type_=String)),
        bindparam("due", type_=_INSTANT),
        bindparam("give_up", type_=_INSTANT),
    )
    new = (
        insert(Recipient)
        .from_select(["broadcast_id", "member_id", "state", "reason", "due_at", "give_up_at"], rows)
        .on_conflict_do_nothing(index_elements=["broadcast_id", "member_id"])
        .returning(Recipient.member_id, Recipient.token, Recipient.state)
        .cte("new")
    )
    return select(func.count()).select_from(new).add_cte(_messages(new, now).cte("messages"))


def _messages(new: FromClause, now: ColumnElement[datetime]) -> Insert:
    """Write the inbox messages of recipients who are new and want them, each with the token of its recipient."""
    token = func.replace(cast(new.c.token, Text), "-", "")
    page = bindparam("page", type_=Text)
    has_query = func.strpos(page, "?") > 0
    return insert(InboxMessage).from_select(
        ["member_id", "kind", "title", "body", "link", "page", "created_at"],
        select(
            new.c.member_id,
            cast(NoticeKind.CAMPAIGN.value, Text),
            bindparam("title", type_=Text),
            bindparam("body", type_=Text),
            case((bindparam("has_link"), func.concat(GO, token)), else_=null()),
            case((page.is_not(None), func.concat(page, case((has_query, "&"), else_="?"), PAGE_TOKEN, token))),
            now,
        ).where(new.c.state != RecipientState.LEFT_OUT.value),
    )


_ADD = _add_statement()
