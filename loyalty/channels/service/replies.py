"""Keyword replies (自动回复): what marketers let an account say at once.

Texts that promise something for following or sharing are refused here, on every way to save one.
"""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from loyalty.channels.models import KeywordReply
from loyalty.channels.queries import ReplyNotFound
from loyalty.channels.rules.inducement import check_not_luring
from loyalty.channels.rules.replies import ReplyTrigger, checked_keyword
from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.kernel.database import Json
from loyalty.kernel.errors import Conflict

_FIELDS = ("trigger", "keyword", "text", "is_enabled")


class ReplyExists(Conflict):
    """The account already has a reply to this keyword, matched in this way."""

    code = "reply_exists"
    message = "已经有相同匹配方式和关键词的回复，请修改原来的那条"


def save_reply(
    session: Session, *, appid: str, trigger: ReplyTrigger, keyword: str = "", text: str, actor: Actor, at: datetime
) -> int:
    """Set what an account answers; the same trigger and keyword again replaces the text.

    Raises:
        ReplyInvalid: empty or too long, or the keyword is missing or needless.
        ValueForFollowingOrSharing: the text promises something for following or sharing.
    """
    stored = _checked(trigger, keyword, text)
    same = (KeywordReply.trigger == trigger) & (KeywordReply.keyword == stored)
    known = session.scalar(select(KeywordReply.id).where(KeywordReply.appid == appid, same))
    if known is None:
        return add_reply(session, appid=appid, trigger=trigger, keyword=keyword, text=text, actor=actor, at=at)
    change_reply(session, appid=appid, reply_id=known, trigger=trigger, keyword=keyword, text=text, actor=actor, at=at)
    return known


def add_reply(
    session: Session, *, appid: str, trigger: ReplyTrigger, keyword: str, text: str, actor: Actor, at: datetime
) -> int:
    """Add a reply, tried after all others.

    Raises:
        ReplyExists: see the class.
        ReplyInvalid, ValueForFollowingOrSharing: as ``save_reply``.
    """
    stored = _checked(trigger, keyword, text)
    last = select(func.coalesce(func.max(KeywordReply.position), 0) + 1).where(KeywordReply.appid == appid)
    values = {"trigger": trigger.value, "keyword": stored, "text": text}
    reply_id: int | None = session.scalar(
        insert(KeywordReply)
        .values(appid=appid, position=last.scalar_subquery(), updated_at=at, **values)
        .on_conflict_do_nothing(index_elements=[KeywordReply.appid, KeywordReply.trigger, KeywordReply.keyword])
        .returning(KeywordReply.id)
    )
    if reply_id is None:
        raise ReplyExists(keyword=stored)
    _audit(session, "save", appid, None, {**values, "is_enabled": True}, actor, at)
    return reply_id


def change_reply(
    session: Session,
    *,
    appid: str,
    reply_id: int,
    trigger: ReplyTrigger,
    keyword: str,
    text: str,
    actor: Actor,
    at: datetime,
) -> None:
    """Change what a reply answers and to what; its place in the order stays.

    Raises:
        ReplyNotFound, ReplyExists: see the classes.
        ReplyInvalid, ValueForFollowingOrSharing: as ``save_reply``.
    """
    stored = _checked(trigger, keyword, text)
    reply = _locked(session, appid, reply_id)
    before = _facts(reply)
    reply.trigger, reply.keyword, reply.text, reply.updated_at = trigger.value, stored, text, at
    try:
        session.flush()
    except IntegrityError as error:  # another reply has the keyword; the transaction is lost
        raise ReplyExists(keyword=stored) from error
    _audit(session, "save", appid, before, _facts(reply), actor, at)


def switch_reply(session: Session, *, appid: str, reply_id: int, is_enabled: bool, actor: Actor, at: datetime) -> None:
    """Let a reply be given, or not for the time being.

    Raises:
        ReplyNotFound: no such reply of this account.
    """
    reply = _locked(session, appid, reply_id)
    before = _facts(reply)
    reply.is_enabled, reply.updated_at = is_enabled, at
    session.flush()
    _audit(session, "switch", appid, before, _facts(reply), actor, at)


def raise_reply(session: Session, *, appid: str, reply_id: int, actor: Actor, at: datetime) -> None:
    """Try a reply before the one that was tried just before it; of the first one nothing changes.

    Raises:
        ReplyNotFound: no such reply of this account.
    """
    rows = select(KeywordReply).where(KeywordReply.appid == appid).order_by(KeywordReply.id).with_for_update()
    replies = session.scalars(rows.execution_options(populate_existing=True)).all()
    ordered = sorted(replies, key=lambda one: (one.position, one.id))
    reply = next((one for one in ordered if one.id == reply_id), None)
    if reply is None:
        raise ReplyNotFound(reply_id=reply_id)
    earlier = [one for one in ordered[: ordered.index(reply)] if one.trigger == reply.trigger]
    if not earlier:
        return
    other = earlier[-1]
    ordered.remove(reply)
    ordered.insert(ordered.index(other), reply)
    # Those that were added at once may have the same position.
    for position, one in enumerate(ordered, 1):
        one.position = position
    session.flush()
    order = {"keyword": reply.keyword, "before": other.keyword}
    _audit(session, "raise", appid, None, order, actor, at)


def delete_reply(session: Session, *, appid: str, reply_id: int, actor: Actor, at: datetime) -> None:
    """Remove a reply.

    Raises:
        ReplyNotFound: no such reply of this account.
    """
    reply = _locked(session, appid, reply_id)
    _audit(session, "delete", appid, _facts(reply), None, actor, at)
    session.delete(reply)
    session.flush()


def _checked(trigger: ReplyTrigger, keyword: str, text: str) -> str:
    check_not_luring([text])
    return checked_keyword(trigger, keyword, text)


def _locked(session: Session, appid: str, reply_id: int) -> KeywordReply:
    reply = session.scalar(
        select(KeywordReply)
        .where(KeywordReply.id == reply_id, KeywordReply.appid == appid)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if reply is None:
        raise ReplyNotFound(reply_id=reply_id)
    return reply


def _facts(reply: KeywordReply) -> Json:
    return {name: getattr(reply, name) for name in _FIELDS}


def _audit(
    session: Session,
    verb: str,
    appid: str,
    before: Json | None,
    after: Json | None,
    actor: Actor,
    at: datetime,
) -> None:
    audit.write(
        session,
        actor=actor,
        action=f"channels.reply_{verb}",
        subject=f"account:{appid}",
        before=before,
        after=after,
        at=at,
    )
