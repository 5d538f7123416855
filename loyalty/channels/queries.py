"""Reads of channels."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from loyalty.channels.models import KeywordReply, Menu, MessageTemplate, Scene, StoredPush
from loyalty.channels.rules import ValueUnfit, fill
from loyalty.channels.rules.pushes import PushContent
from loyalty.channels.rules.pushes import read_push as read_fields
from loyalty.channels.rules.replies import ReplyBook, ReplyTrigger
from loyalty.channels.rules.templates import MARKETING_KINDS, FilledTemplate, TemplateChannel
from loyalty.gateways.answers import MiniProgramPage
from loyalty.kernel.crypto import Vault
from loyalty.kernel.errors import NotFound

PAYLOAD_CONTEXT = "stored_pushes.payload"
HISTORY_MAX = 50

log = structlog.get_logger("channels")


class PushGone(NotFound):
    """The push was deleted: too old, or its sender was erased."""

    code = "push_gone"
    message = "推送记录已删除"


class ReplyNotFound(NotFound):
    """No such reply of this account."""

    code = "reply_not_found"
    message = "没有找到这条自动回复"


class SceneNotFound(NotFound):
    """No such QR code."""

    code = "scene_not_found"
    message = "没有找到这个二维码"


@dataclass(frozen=True, slots=True)
class PushView:
    """A stored push (消息推送), opened."""

    id: int
    appid: str
    received_at: datetime
    content: PushContent


@dataclass(frozen=True, slots=True)
class SubscriptionTemplate:
    """A subscription message that a member can be asked to accept (订阅消息)."""

    template_id: str
    title: str
    notice_kind: str


@dataclass(frozen=True, slots=True)
class SceneView:
    """What a scanned QR code leads to."""

    id: int
    subject_kind: str
    subject_id: int
    label: str


def read_push(session: Session, vault: Vault, push_id: int) -> PushView:
    """Open a stored push.

    Raises:
        PushGone: it was deleted.
    """
    push = session.get(StoredPush, push_id)
    if push is None:
        raise PushGone(push_id=push_id)
    fields = json.loads(vault.open(push.payload_sealed, context=PAYLOAD_CONTEXT))
    return PushView(push.id, push.appid, push.received_at, read_fields(fields))


def fill_template(
    session: Session, *, appid: str, kind: str, channel: str, facts: Mapping[str, str]
) -> FilledTemplate | None:
    """Return a notice as a message of one account and channel.

    None when no template is set for it, or when a fact does not fit its key: that channel is then
    closed to this notice and the next one is tried.
    """
    template = session.scalar(
        select(MessageTemplate).where(
            MessageTemplate.appid == appid,
            MessageTemplate.notice_kind == kind,
            MessageTemplate.channel == channel,
            MessageTemplate.is_enabled,
        )
    )
    if template is None:
        return None
    try:
        data = fill(template.mapping, facts)
    except ValueUnfit as error:
        log.warning("template_value_unfit", template=template.id, **error.details)
        return None
    return FilledTemplate(
        template_id=template.template_id,
        data=data,
        url=template.url,
        mini_program=_page_of(template) if template.mini_program_appid else None,
        page=template.page,
    )


def _page_of(template: MessageTemplate) -> MiniProgramPage:
    return MiniProgramPage(template.mini_program_appid or "", template.page or "")


def list_templates(session: Session, *, appid: str | None = None) -> Sequence[MessageTemplate]:
    """Return the templates of one account, or of all."""
    query = select(MessageTemplate).order_by(MessageTemplate.appid, MessageTemplate.notice_kind)
    if appid is not None:
        query = query.where(MessageTemplate.appid == appid)
    return session.scalars(query).all()


def subscription_templates(session: Session, *, appid: str) -> list[SubscriptionTemplate]:
    """Return the subscription messages that a mini program may ask its members to accept, marketing last.

    One that carries several kinds of notices stands here once: a prompt may not ask for it twice. WeChat's prompt takes
    three at most, so that a client that asks for the first ones asks for those that serve the member.
    """
    rows = session.scalars(
        select(MessageTemplate)
        .where(
            MessageTemplate.appid == appid,
            MessageTemplate.channel == TemplateChannel.SUBSCRIPTION,
            MessageTemplate.is_enabled,
        )
        .order_by(MessageTemplate.notice_kind.in_(MARKETING_KINDS), MessageTemplate.notice_kind)
    )
    found: dict[str, SubscriptionTemplate] = {}
    for row in rows:
        found.setdefault(row.template_id, SubscriptionTemplate(row.template_id, row.title, row.notice_kind))
    return list(found.values())


def draft_menu(session: Session, *, appid: str) -> Menu | None:
    """Return the menu that was saved and not yet published."""
    return session.scalar(select(Menu).where(Menu.appid == appid, Menu.published_at.is_(None)))


def menu_history(session: Session, *, appid: str) -> Sequence[Menu]:
    """Return the published menus of an account, the live one first."""
    return session.scalars(
        select(Menu)
        .where(Menu.appid == appid, Menu.published_at.is_not(None))
        .order_by(Menu.published_at.desc(), Menu.id.desc())
        .limit(HISTORY_MAX)
    ).all()


def list_replies(session: Session, *, appid: str) -> Sequence[KeywordReply]:
    """Return the replies of an account, in the order in which they are tried."""
    replies = select(KeywordReply).where(KeywordReply.appid == appid)
    return session.scalars(replies.order_by(KeywordReply.position, KeywordReply.id)).all()


def get_reply(session: Session, *, appid: str, reply_id: int) -> KeywordReply:
    """Return one reply.

    Raises:
        ReplyNotFound: no such reply of this account.
    """
    reply = session.get(KeywordReply, reply_id)
    if reply is None or reply.appid != appid:
        raise ReplyNotFound(reply_id=reply_id)
    return reply


def reply_book(session: Session, *, appid: str) -> ReplyBook:
    """Return all replies of an account that are switched on, ready to be looked up."""
    texts: dict[str, dict[str, str]] = {trigger.value: {} for trigger in ReplyTrigger}
    for reply in list_replies(session, appid=appid):
        if reply.is_enabled:
            texts[reply.trigger][reply.keyword] = reply.text
    return ReplyBook(
        welcome=texts[ReplyTrigger.WELCOME].get(""),
        default=texts[ReplyTrigger.DEFAULT].get(""),
        exact=texts[ReplyTrigger.EXACT],
        contains=tuple(texts[ReplyTrigger.CONTAINS].items()),
        clicks=texts[ReplyTrigger.CLICK],
    )


def find_scene(session: Session, *, appid: str, key: str) -> SceneView | None:
    """Return what a QR code's string stands for; None for a string that is not ours."""
    scene = session.scalar(select(Scene).where(Scene.appid == appid, Scene.key == key))
    if scene is None:
        return None
    return SceneView(scene.id, scene.subject_kind, scene.subject_id, scene.label)


def find_live_scene(session: Session, *, appid: str, subject_kind: str, subject_id: int, at: datetime) -> str | None:
    """Return what the code of an account for something says, where one was made and has not ended."""
    lives = or_(Scene.expires_at.is_(None), Scene.expires_at > at)
    made = select(Scene.url).where(
        Scene.appid == appid,
        Scene.subject_kind == subject_kind,
        Scene.subject_id == subject_id,
        Scene.url.is_not(None),
        lives,
    )
    return session.scalar(made.order_by(Scene.id.desc()).limit(1))


def list_scenes(session: Session, *, appid: str, limit: int = 100) -> Sequence[Scene]:
    """Return the QR codes of an account, newest first."""
    return session.scalars(select(Scene).where(Scene.appid == appid).order_by(Scene.id.desc()).limit(limit)).all()


def get_scene(session: Session, *, scene_id: int) -> Scene:
    """Return one QR code.

    Raises:
        SceneNotFound: there is none with this id.
    """
    scene = session.get(Scene, scene_id)
    if scene is None:
        raise SceneNotFound(scene_id=scene_id)
    return scene


def count_permanent_scenes(session: Session, *, appid: str) -> int:
    """Count the permanent codes of an account, of which WeChat gives 100,000 for ever."""
    permanent = select(func.count()).where(Scene.appid == appid, Scene.expires_at.is_(None), Scene.ticket.is_not(None))
    return session.scalar(permanent) or 0
