from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from loyalty.channels import queries, service
from loyalty.channels.service.menus import MenuDraftChanged, MenuVersionNotFound, NoMenuDraft
from loyalty.gateways.errors import WechatUnavailable
from loyalty.gateways.null import NullOfficialAccount
from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.kernel.database import Database

APPID = "wx5a0db7a000000001"
ACTOR = Actor("staff:1", ip="10.0.0.1", request_id="r")
MENU = [{"type": "click", "name": "客服", "key": "KF"}]
OTHER_MENU = [{"type": "view", "name": "会员卡", "url": "https://example.cn/"}]


def save(session: Session, at: datetime, buttons: list[dict[str, Any]] = MENU) -> int:
    menu_id = service.save_menu_draft(session, appid=APPID, buttons=buttons, actor=ACTOR, at=at)
    session.commit()
    return menu_id


class _SavedMeanwhile(NullOfficialAccount):
    """Somebody saves another draft while WeChat is asked."""

    def __init__(self, session: Session, at: datetime) -> None:
        super().__init__(appid=APPID)
        self._session, self._at = session, at

    def publish_menu(self, buttons: Any) -> None:
        save(self._session, self._at, OTHER_MENU)


class TestMenus:
    def test_a_draft_is_replaced_until_it_is_published(self, session: Session, at: datetime) -> None:
        first = save(session, at)
        second = save(session, at, OTHER_MENU)

        draft = queries.draft_menu(session, appid=APPID)
        assert draft is not None
        assert (first, draft.buttons) == (second, OTHER_MENU)

    def test_publishing_puts_the_draft_live_and_keeps_it(
        self, session: Session, database: Database, at: datetime
    ) -> None:
        account = NullOfficialAccount(appid=APPID)
        save(session, at)

        service.publish_menu(database, account, actor=ACTOR, at=at)
        save(session, at, OTHER_MENU)
        service.publish_menu(database, account, actor=ACTOR, at=at + timedelta(hours=1))

        session.expire_all()
        assert account.published_menus == [MENU, OTHER_MENU]
        assert queries.draft_menu(session, appid=APPID) is None
        assert [menu.buttons for menu in queries.menu_history(session, appid=APPID)] == [OTHER_MENU, MENU]

    def test_publication_is_audited_with_what_was_live_before(
        self, session: Session, database: Database, at: datetime
    ) -> None:
        account = NullOfficialAccount(appid=APPID)
        for buttons in (MENU, OTHER_MENU):
            save(session, at, buttons)
            service.publish_menu(database, account, actor=ACTOR, at=at)

        entry = audit.list_entries(session, action="channels.menu_publish")[0]
        assert (entry.before, entry.after) == ({"buttons": MENU}, {"buttons": OTHER_MENU})
        assert (entry.actor, entry.subject, entry.ip) == ("staff:1", f"account:{APPID}", "10.0.0.1")

    def test_without_a_draft_there_is_nothing_to_publish(self, database: Database, at: datetime) -> None:
        account = NullOfficialAccount(appid=APPID)

        with pytest.raises(NoMenuDraft):
            service.publish_menu(database, account, actor=ACTOR, at=at)

        assert account.published_menus == []

    def test_what_wechat_refused_stays_a_draft(self, session: Session, database: Database, at: datetime) -> None:
        save(session, at)

        with pytest.raises(WechatUnavailable):
            service.publish_menu(
                database, NullOfficialAccount(appid=APPID, publish_error=WechatUnavailable()), actor=ACTOR, at=at
            )

        assert queries.draft_menu(session, appid=APPID) is not None

    def test_a_draft_saved_while_wechat_was_asked_is_not_called_published(
        self, session: Session, database: Database, at: datetime
    ) -> None:
        save(session, at)

        with pytest.raises(MenuDraftChanged):
            service.publish_menu(database, _SavedMeanwhile(session, at), actor=ACTOR, at=at)

        session.expire_all()
        draft = queries.draft_menu(session, appid=APPID)
        assert draft is not None
        assert draft.buttons == OTHER_MENU

    def test_an_earlier_menu_can_be_the_draft_again(self, session: Session, database: Database, at: datetime) -> None:
        menu_id = save(session, at)
        service.publish_menu(database, NullOfficialAccount(appid=APPID), actor=ACTOR, at=at)

        service.restore_menu(session, appid=APPID, menu_id=menu_id, actor=ACTOR, at=at)

        draft = queries.draft_menu(session, appid=APPID)
        assert draft is not None
        assert draft.buttons == MENU

    def test_the_menu_of_another_account_is_not_found(self, session: Session, at: datetime) -> None:
        menu_id = save(session, at)

        with pytest.raises(MenuVersionNotFound):
            service.restore_menu(session, appid="wxother", menu_id=menu_id, actor=ACTOR, at=at)
