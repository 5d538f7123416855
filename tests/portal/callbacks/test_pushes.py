import json
from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from loyalty.channels import queries, service
from loyalty.channels.models import StoredPush
from loyalty.channels.rules.pushes import SubscriptionItem
from loyalty.channels.rules.replies import ReplyTrigger
from loyalty.kernel.audit import Actor
from loyalty.kernel.crypto import Vault
from tests.portal.callbacks.conftest import Wechat, event, stored_pushes, text_message
from tests.support.events import recorded
from tests.support.settings import OA_APPID
from tests.support.statements import StatementCounter

WELCOME = '欢迎关注🎉 <a href="http://localhost/h5">会员中心</a>'


@pytest.fixture
def replies(session: Session, at: datetime) -> None:
    texts = [
        (ReplyTrigger.WELCOME, "", WELCOME),
        (ReplyTrigger.EXACT, "积分", "点击查看积分"),
        (ReplyTrigger.CONTAINS, "门店", "附近的门店"),
        (ReplyTrigger.CLICK, "KF", "请拨打 400"),
        (ReplyTrigger.DEFAULT, "", "您好"),
    ]
    for trigger, keyword, text in texts:
        service.save_reply(
            session, appid=OA_APPID, trigger=trigger, keyword=keyword, text=text, actor=Actor("staff:1"), at=at
        )
    session.commit()


class TestVerification:
    def test_answers_with_what_wechat_sent_and_nothing_else(self, wechat: Wechat) -> None:
        response = wechat.client.get(wechat.url, query_string=wechat.query(echostr="1234567890"))

        assert (response.status_code, response.data) == (200, b"1234567890")
        assert response.mimetype == "text/plain"

    @pytest.mark.parametrize(
        "changes",
        [
            {"signature": "0" * 40},
            {"signature": "é"},
            {"nonce": "other"},
            {"timestamp": "9" * 5000},
            {"age_seconds": 601},
        ],
        ids=["signature", "not ascii", "nonce", "timestamp", "age"],
    )
    def test_refuses_what_wechat_did_not_sign(self, wechat: Wechat, changes: dict[str, str]) -> None:
        response = wechat.client.get(wechat.url, query_string=wechat.query(echostr="x", **changes))  # type: ignore[arg-type]

        assert (response.status_code, response.data) == (403, b"push_forged")

    def test_an_account_that_is_not_ours_is_not_found(self, wechat: Wechat) -> None:
        assert wechat.client.get("/callbacks/wechat/wxother", query_string=wechat.query()).status_code == 404


class TestReplies:
    pytestmark = pytest.mark.usefixtures("replies")

    @pytest.mark.parametrize(
        ("message", "reply"),
        [
            (event("subscribe"), WELCOME),
            (event("subscribe", key="qrscene_store-1", extra="<Ticket>t</Ticket>"), WELCOME),
            (event("CLICK", key="KF"), "请拨打 400"),
            (text_message(" 积分 "), "点击查看积分"),
            (text_message("我想找门店在哪"), "附近的门店"),
            (text_message("😀𠮷 ]]&gt; <x>"), "您好"),
        ],
    )
    def test_are_given_at_once_encrypted(self, wechat: Wechat, message: str, reply: str) -> None:
        response = wechat.push(message)

        answer = wechat.opened(response)
        assert (answer["Content"], answer["ToUserName"], answer["FromUserName"]) == (
            reply,
            "openid-1",
            "gh_demo00000001",
        )

    @pytest.mark.parametrize("message", [event("unsubscribe"), event("CLICK", key="?"), event("VIEW", key="http://a")])
    def test_are_not_given_where_there_is_nothing_to_say(self, wechat: Wechat, message: str) -> None:
        response = wechat.push(message)

        assert (response.status_code, response.data) == (200, b"success")

    def test_are_plain_in_plain_mode(self, plain_wechat: Wechat) -> None:
        response = plain_wechat.push_plain(text_message("积分"))

        assert "<![CDATA[点击查看积分]]>" in response.get_data(as_text=True)

    def test_to_a_repeated_push_stay_the_same_when_the_text_was_changed_meanwhile(
        self, wechat: Wechat, session: Session, at: datetime
    ) -> None:
        first = wechat.opened(wechat.push(text_message("积分")))
        service.save_reply(
            session,
            appid=OA_APPID,
            trigger=ReplyTrigger.EXACT,
            keyword="积分",
            text="新",
            actor=Actor("staff:1"),
            at=at,
        )
        session.commit()
        wechat.client.application.extensions["callbacks"]._books.clear()

        again = wechat.opened(wechat.push(text_message("积分")))
        other = wechat.opened(wechat.push(text_message("积分", message_id=2)))

        assert (again["Content"], other["Content"]) == (first["Content"], "新")

    def test_are_never_given_by_a_mini_program(self, mini_program: Wechat) -> None:
        assert mini_program.push(text_message("积分")).data == b"success"


class TestStoring:
    def test_a_push_is_kept_sealed_with_one_event(self, wechat: Wechat, session: Session, vault: Vault) -> None:
        wechat.push(event("subscribe", key="qrscene_store-1", openid="openid-secret"))

        (payload,) = recorded(session, "push.stored")
        row = session.get_one(StoredPush, payload["push_id"])
        push = queries.read_push(session, vault, payload["push_id"])
        assert b"openid-secret" not in row.payload_sealed + row.dedup_index + row.openid_index
        assert (row.mode, row.kind, row.event) == ("safe", "event", "subscribe")
        assert (push.appid, push.content.openid, push.content.event_key) == (OA_APPID, "openid-secret", "store-1")

    def test_every_try_of_one_push_counts_once(self, wechat: Wechat, session: Session) -> None:
        for _ in range(3):
            assert wechat.push(text_message("积分")).status_code == 200

        assert stored_pushes(session) == 1
        assert len(recorded(session, "push.stored")) == 1

    def test_a_replayed_request_counts_once(self, wechat: Wechat, session: Session) -> None:
        query, body = wechat.sealed(text_message("积分"))

        answers = [wechat.client.post(wechat.url, query_string=query, data=body) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [200, 200]
        assert stored_pushes(session) == 1

    @pytest.mark.parametrize(
        "other",
        [
            text_message("积分", message_id=2),
            event("subscribe"),
            event("subscribe", openid="openid-2"),
            event("CLICK", key="B"),
            event("TEMPLATESENDJOBFINISH", extra="<MsgID>8</MsgID><Status>success</Status>"),
        ],
    )
    def test_different_pushes_of_one_second_count_each(self, wechat: Wechat, session: Session, other: str) -> None:
        for message in (
            text_message("积分"),
            event("CLICK", key="A"),
            event("TEMPLATESENDJOBFINISH", extra="<MsgID>7</MsgID><Status>success</Status>"),
            other,
        ):
            wechat.push(message)

        assert stored_pushes(session) == 4

    def test_two_accounts_may_send_the_same_number(
        self, wechat: Wechat, mini_program: Wechat, session: Session
    ) -> None:
        wechat.push(text_message("一"))
        mini_program.push(text_message("一"))

        assert stored_pushes(session) == 2

    def test_compatible_mode_believes_the_encrypted_part_only(
        self, wechat: Wechat, session: Session, vault: Vault
    ) -> None:
        wechat.push(text_message("真"), extra="<FromUserName>forged</FromUserName><Content>假</Content>")

        (payload,) = recorded(session, "push.stored")
        push = queries.read_push(session, vault, payload["push_id"])
        assert (push.content.openid, push.content.text) == ("openid-1", "真")
        assert session.get_one(StoredPush, push.id).mode == "compatible"

    @pytest.mark.parametrize("is_list", [True, False], ids=["array", "object"])
    def test_the_list_of_a_json_event_is_read_in_both_shapes(
        self, mini_program: Wechat, session: Session, vault: Vault, is_list: bool
    ) -> None:
        item = {"TemplateId": "T1", "SubscribeStatusString": "accept", "PopupScene": "0"}
        fields = {
            "ToUserName": "gh_demo00000002",
            "FromUserName": "openid-1",
            "CreateTime": 1773108000,
            "MsgType": "event",
            "Event": "subscribe_msg_popup_event",
            "List": [item] if is_list else item,
        }

        mini_program.push(json.dumps(fields))

        (payload,) = recorded(session, "push.stored")
        push = queries.read_push(session, vault, payload["push_id"])
        assert push.content.subscriptions == (SubscriptionItem("T1", answer="accept", popup_scene="0"),)

    def test_a_json_envelope_is_opened_too(self, mini_program: Wechat, session: Session) -> None:
        fields = {"FromUserName": "o", "CreateTime": 1773108000, "MsgType": "event", "Event": "user_enter_tempsession"}
        query, body = mini_program.sealed(json.dumps(fields))
        envelope = {"ToUserName": "gh", "Encrypt": body.split("CDATA[")[1].split("]]")[0]}

        response = mini_program.client.post(mini_program.url, query_string=query, json=envelope)

        assert (response.status_code, response.data) == (200, b"success")
        assert stored_pushes(session) == 1

    def test_one_push_takes_three_statements_and_two_when_the_replies_are_at_hand(
        self, wechat: Wechat, statements: StatementCounter
    ) -> None:
        counts = []
        for message_id in (1, 2, 2):
            statements.clear()
            wechat.push(text_message("积分", message_id=message_id))
            counts.append(statements.count)

        assert counts == [3, 2, 2]
