"""Messages: the inbox (站内消息), and the permissions to send subscription messages (订阅消息)."""

import secrets
from typing import Any

from loyalty.broadcasts.service import note_click
from loyalty.channels.queries import subscription_templates
from loyalty.kernel.database import Session
from loyalty.kernel.transaction import run
from loyalty.members.service import set_notice_wanted
from loyalty.notices import queries
from loyalty.notices.rules import kind_of
from loyalty.notices.service.grants import GrantSource, record_grants
from loyalty.notices.service.inbox import mark_read
from miniprogram_api.context import caller, container, member_id
from miniprogram_api.v1.blueprint import subject
from miniprogram_api.v1.schemas import messages as schemas
from miniprogram_api.v1.schemas.base import CursorQuery, IdempotencyHeaders
from miniprogram_api.v1.schemas.privacy import NoticeWish

blueprint = subject("messages", __name__, description="Inbox and permissions to send.")


@blueprint.get("/inbox")
@blueprint.arguments(CursorQuery, location="query")
@blueprint.response(200, schemas.Inbox)
def show_inbox(query: dict[str, Any]) -> dict[str, Any]:
    """List the inbox, newest first, with the number of unread messages."""
    owner = member_id()
    page, unread = run(
        container().database,
        lambda session: (
            queries.list_inbox(session, member_id=owner, **query),
            queries.count_unread(session, member_id=owner),
        ),
    )
    return {"items": page.items, "next_cursor": page.next_cursor, "unread": unread}


@blueprint.post("/inbox/<int:message_id>/read")
@blueprint.response(204)
def read(message_id: int) -> None:
    """Note that the member has read a message."""
    owner, at = member_id(), container().clock.now()
    run(
        container().database,
        lambda session: mark_read(session, member_id=owner, message_id=message_id, at=at),
    )


@blueprint.post("/message-clicks")
@blueprint.arguments(schemas.MessageClick)
@blueprint.response(204)
def click(body: dict[str, Any]) -> None:
    """Note that a page was opened from a marketing message; again changes nothing."""
    at = container().clock.now()
    run(container().database, lambda session: note_click(session, token=body["token"], at=at))


@blueprint.put("/notice-preferences/<kind>")
@blueprint.arguments(NoticeWish)
@blueprint.response(204)
def set_wanted(body: dict[str, Any], kind: str) -> None:
    """Unsubscribe from a kind of notice (退订), or take it again; the inbox keeps them all."""
    owner, at, known = member_id(), container().clock.now(), kind_of(kind)
    run(
        container().database,
        lambda session: set_notice_wanted(session, member_id=owner, kind=known, is_wanted=body["is_wanted"], at=at),
    )


@blueprint.get("/subscription-templates")
@blueprint.response(200, schemas.SubscriptionTemplates)
def list_templates() -> dict[str, Any]:
    """List the templates that wx.requestSubscribeMessage may ask for, three in one prompt; marketing comes last."""
    appid = caller().appid
    templates = run(container().database, lambda session: subscription_templates(session, appid=appid))
    return {"items": templates}


@blueprint.post("/subscription-grants")
@blueprint.arguments(schemas.GrantReport)
@blueprint.arguments(IdempotencyHeaders, location="headers")
@blueprint.response(200, schemas.GrantBalances)
def report_grants(body: dict[str, Any], headers: dict[str, Any]) -> dict[str, Any]:
    """Report what the member tapped in the prompt; the same key counts once."""
    at, identity_id, appid = container().clock.now(), caller().identity_id, caller().appid
    answers = {answer["template_id"]: answer["answer"] for answer in body["answers"]}
    reference = headers["idempotency_key"] or secrets.token_hex(12)

    def record(session: Session) -> dict[str, int]:
        known = {template.template_id for template in subscription_templates(session, appid=appid)}
        return record_grants(
            session,
            identity_id=identity_id,
            answers={template_id: answer for template_id, answer in answers.items() if template_id in known},
            source=GrantSource.CLIENT,
            reference=reference,
            at=at,
        )

    balances = run(container().database, record)
    return {"items": [{"template_id": name, "balance": balance} for name, balance in balances.items()]}
