"""Keyword replies: what marketers let an account say at once."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.channels.models import KeywordReply
from loyalty.channels.rules.replies import ReplyTrigger, checked_keyword
from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.kernel.database import Json
from loyalty.kernel.errors import NotFound


class ReplyNotFound(NotFound):
    """No such reply of this account."""

    code = "reply_not_found"
    message = "没有找到这条自动回复"


def save_reply(
    session: Session,
    *,
    appid: str,
    trigger: ReplyTrigger,
    keyword: str = "",
    text: str,
    is_enabled: bool = True,
    actor: Actor,
    at: datetime,
) -> int:
    """Set what an account answers; the same trigger and keyword again replaces the text.

    Raises:
        ReplyInvalid: empty or too long, or the keyword is missing or needless.
    """
    stored = checked_keyword(trigger, keyword, text)
    before = session.scalar(
        select(KeywordReply).where(
            KeywordReply.appid == appid,
            KeywordReply.trigger == trigger,
            KeywordReply.keyword == stored,
        )
    )
    _audit(session, "save", appid, _facts(before), {"trigger": trigger, "keyword": stored, "text": text}, actor, at)
    changes = {"text": text, "is_enabled": is_enabled, "updated_at": at}
    return session.scalars(
        insert(KeywordReply)
        .values(appid=appid, trigger=trigger.value, keyword=stored, **changes)
        .on_conflict_do_update(
            index_elements=[KeywordReply.appid, KeywordReply.trigger, KeywordReply.keyword],
            set_=changes,
        )
        .returning(KeywordReply.id)
    ).one()


def delete_reply(session: Session, *, appid: str, reply_id: int, actor: Actor, at: datetime) -> None:
    """Remove a reply.

    Raises:
        ReplyNotFound: no such reply of this account.
    """
    reply = session.get(KeywordReply, reply_id)
    if reply is None or reply.appid != appid:
        raise ReplyNotFound(reply_id=reply_id)
    _audit(session, "delete", appid, _facts(reply), None, actor, at)
    session.delete(reply)
    session.flush()


def _facts(reply: KeywordReply | None) -> Json | None:
    if reply is None:
        return None
    return {"trigger": reply.trigger, "keyword": reply.keyword, "text": reply.text}


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
