"""Menus: one draft for each account, published as it is; every published version is kept."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.channels import queries
from loyalty.channels.models import Menu
from loyalty.channels.rules.menus import check_menu
from loyalty.gateways.protocols import OfficialAccount
from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.kernel.database import Database, Json
from loyalty.kernel.errors import Conflict, NotFound
from loyalty.kernel.transaction import run


class NoMenuDraft(NotFound):
    """Nothing was saved since the last publication."""

    code = "no_menu_draft"
    message = "没有待发布的菜单"


class MenuVersionNotFound(NotFound):
    """No such version of this account's menu."""

    code = "menu_version_not_found"
    message = "没有找到这个菜单版本"


class MenuDraftChanged(Conflict):
    """Somebody saved or published another draft while this one went to WeChat."""

    code = "menu_draft_changed"
    message = "菜单在发布时被其他人修改，请重新发布"


def save_menu_draft(
    session: Session, *, appid: str, buttons: Sequence[Mapping[str, Any]], actor: Actor, at: datetime
) -> int:
    """Keep a menu to be published; it takes the place of the draft before it.

    Raises:
        MenuInvalid: WeChat would refuse it; every problem is named.
    """
    check_menu(buttons)
    before = queries.draft_menu(session, appid=appid)
    values: Json = {"buttons": [dict(button) for button in buttons], "saved_by": actor.name, "saved_at": at}
    menu_id = session.scalars(
        insert(Menu)
        .values(appid=appid, **values)
        .on_conflict_do_update(index_elements=[Menu.appid], index_where=text("published_at IS NULL"), set_=values)
        .returning(Menu.id)
    ).one()
    _audit(session, actor, "save_draft", appid, before.buttons if before else None, values["buttons"], at)
    return menu_id


def restore_menu(session: Session, *, appid: str, menu_id: int, actor: Actor, at: datetime) -> int:
    """Make an earlier published menu the draft again.

    Raises:
        MenuVersionNotFound: no such version of this account.
        MenuInvalid: the rules have become stricter since.
    """
    earlier = session.get(Menu, menu_id)
    if earlier is None or earlier.appid != appid:
        raise MenuVersionNotFound(menu_id=menu_id)
    return save_menu_draft(session, appid=appid, buttons=earlier.buttons, actor=actor, at=at)


def publish_menu(database: Database, account: OfficialAccount, *, actor: Actor, at: datetime) -> int:
    """Put the draft of an account live; call it outside any transaction.

    When the last step fails the menu is live and still a draft: publishing again does no harm.

    Raises:
        NoMenuDraft: nothing was saved since the last publication.
        MenuDraftChanged: the draft was changed while WeChat was asked.
        WechatRequestRefused, WechatUnavailable, WechatMisconfigured, WechatQuotaUsed: WeChat's answer.
    """
    draft = run(database, lambda session: queries.draft_menu(session, appid=account.appid))
    if draft is None:
        raise NoMenuDraft(appid=account.appid)
    account.publish_menu(draft.buttons)
    return run(database, lambda session: _mark_published(session, draft, actor, at))


def _mark_published(session: Session, draft: Menu, actor: Actor, at: datetime) -> int:
    menu = session.scalar(select(Menu).where(Menu.id == draft.id).with_for_update())
    if menu is None or menu.published_at is not None or menu.buttons != draft.buttons:
        raise MenuDraftChanged(appid=draft.appid)
    live = next(iter(queries.menu_history(session, appid=draft.appid)), None)
    menu.published_by, menu.published_at = actor.name, at
    session.flush()
    _audit(session, actor, "publish", menu.appid, live.buttons if live else None, menu.buttons, at)
    return menu.id


def _audit(
    session: Session,
    actor: Actor,
    verb: str,
    appid: str,
    before: list[Any] | None,
    after: list[Any],
    at: datetime,
) -> None:
    audit.write(
        session,
        actor=actor,
        action=f"channels.menu_{verb}",
        subject=f"account:{appid}",
        before=None if before is None else {"buttons": before},
        after={"buttons": after},
        at=at,
    )
