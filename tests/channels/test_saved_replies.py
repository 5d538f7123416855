"""Replies as staff save them: added, replaced, put in order, refused."""

from datetime import datetime

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from loyalty.channels import queries, service
from loyalty.channels.models import KeywordReply
from loyalty.channels.rules.inducement import ValueForFollowingOrSharing
from loyalty.channels.rules.replies import ReplyTrigger
from loyalty.channels.service.replies import ReplyExists, ReplyNotFound
from loyalty.kernel import audit
from loyalty.kernel.audit import Actor

APPID = "wx5a0db7a000000001"
ACTOR = Actor("staff:1", ip="10.0.0.1", request_id="r")
FACTS = {"points": "points", "reason": "text"}


class TestReplies:
    def test_the_same_keyword_again_replaces_the_text(self, session: Session, at: datetime) -> None:
        for text in ("旧", "新"):
            service.save_reply(
                session, appid=APPID, trigger=ReplyTrigger.EXACT, keyword="积分", text=text, actor=ACTOR, at=at
            )

        assert queries.reply_book(session, appid=APPID).exact == {"积分": "新"}
        assert audit.list_entries(session, action="channels.reply_save")[0].before == {
            "trigger": "exact",
            "keyword": "积分",
            "text": "旧",
            "is_enabled": True,
        }

    def test_what_is_switched_off_or_deleted_is_not_said(self, session: Session, at: datetime) -> None:
        saved = {"appid": APPID, "text": "x", "actor": ACTOR, "at": at}
        welcome_id = service.save_reply(session, trigger=ReplyTrigger.WELCOME, **saved)
        service.switch_reply(session, appid=APPID, reply_id=welcome_id, is_enabled=False, actor=ACTOR, at=at)
        reply_id = service.save_reply(session, trigger=ReplyTrigger.DEFAULT, **saved)
        service.delete_reply(session, appid=APPID, reply_id=reply_id, actor=ACTOR, at=at)

        book = queries.reply_book(session, appid=APPID)
        assert (book.welcome, book.default) == (None, None)

    def test_a_keyword_that_has_a_reply_is_not_added_again(self, session: Session, at: datetime) -> None:
        known = {"appid": APPID, "trigger": ReplyTrigger.EXACT, "text": "x", "actor": ACTOR, "at": at}
        service.add_reply(session, keyword="积分", **known)
        other = service.add_reply(session, keyword="门店", **known)

        with pytest.raises(ReplyExists):
            service.add_reply(session, keyword=" 积分 ", **known)
        with pytest.raises(ReplyExists), session.begin_nested():
            service.change_reply(session, reply_id=other, keyword="积分", **known)

    def test_are_tried_in_an_order_that_can_be_changed(self, session: Session, at: datetime) -> None:
        known = {"appid": APPID, "actor": ACTOR, "at": at}
        service.add_reply(session, trigger=ReplyTrigger.EXACT, keyword="别的", text="x", **known)
        first, second, third = (
            service.add_reply(session, trigger=ReplyTrigger.CONTAINS, keyword=keyword, text=keyword, **known)
            for keyword in ("店", "门店", "店长")
        )

        for reply_id in (second, second, third):
            service.raise_reply(session, reply_id=reply_id, **known)
        service.change_reply(
            session, reply_id=first, trigger=ReplyTrigger.CONTAINS, keyword="店铺", text="店铺", **known
        )

        book = queries.reply_book(session, appid=APPID)
        assert [keyword for keyword, _text in book.contains] == ["门店", "店长", "店铺"]
        assert len(audit.list_entries(session, action="channels.reply_raise")) == 2

    def test_that_were_added_at_once_can_be_put_in_order_too(self, session: Session, at: datetime) -> None:
        known = {"appid": APPID, "actor": ACTOR, "at": at}
        for keyword in ("店", "门店", "店长"):
            last = service.add_reply(session, trigger=ReplyTrigger.CONTAINS, keyword=keyword, text="x", **known)
        session.execute(update(KeywordReply).values(position=1))

        service.raise_reply(session, reply_id=last, **known)

        book = queries.reply_book(session, appid=APPID)
        assert [keyword for keyword, _text in book.contains] == ["店", "店长", "门店"]

    @pytest.mark.parametrize("text", ["关注即送 10 元券", "转发朋友圈领积分"])
    def test_promising_something_for_following_or_sharing_are_refused(
        self, session: Session, at: datetime, text: str
    ) -> None:
        known = {"appid": APPID, "trigger": ReplyTrigger.DEFAULT, "actor": ACTOR, "at": at}
        reply_id = service.add_reply(session, keyword="", text="您好", **known)

        for refused in (
            lambda: service.save_reply(session, text=text, **known),
            lambda: service.change_reply(session, reply_id=reply_id, keyword="", text=text, **known),
        ):
            with pytest.raises(ValueForFollowingOrSharing):
                refused()
        assert queries.reply_book(session, appid=APPID).default == "您好"

    def test_the_reply_of_another_account_is_not_found(self, session: Session, at: datetime) -> None:
        reply_id = service.save_reply(session, appid=APPID, trigger=ReplyTrigger.DEFAULT, text="x", actor=ACTOR, at=at)

        with pytest.raises(ReplyNotFound):
            service.delete_reply(session, appid="wxother", reply_id=reply_id, actor=ACTOR, at=at)
