from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from loyalty.channels.rules.pushes import PushIncomplete, SubscriptionItem, dedup_key, read_push
from loyalty.gateways.push_wire import PushMalformed, read_body

HEAD = {"FromUserName": "o", "CreateTime": "1773108000", "MsgType": "event"}


def sent(**row: str) -> dict[str, Any]:
    return {"TemplateId": "T", "MsgID": "1", "ErrorCode": "0", "ErrorStatus": "success", **row}


class TestReadPush:
    def test_a_scene_loses_its_prefix_and_events_their_case(self) -> None:
        push = read_push({**HEAD, "Event": "SUBSCRIBE", "EventKey": "qrscene_store-1"})

        assert (push.event, push.event_key) == ("subscribe", "store-1")

    def test_the_report_on_a_template_message_has_its_number_and_status(self) -> None:
        push = read_push({**HEAD, "Event": "TEMPLATESENDJOBFINISH", "MsgID": 200163836, "Status": "failed:user block"})

        assert (push.message_id, push.status) == ("200163836", "failed:user block")

    @pytest.mark.parametrize(
        "fields",
        [
            {"SubscribeMsgSentEvent": {"List": sent()}},
            {"SubscribeMsgSentEvent": {"List": [sent()]}},
            {"List": sent()},
            {"List": [sent(), "strange"]},
        ],
    )
    def test_a_list_of_one_reads_alike_in_every_shape(self, fields: dict[str, Any]) -> None:
        push = read_push({**HEAD, "Event": "subscribe_msg_sent_event", **fields})

        assert push.subscriptions == (SubscriptionItem("T", message_id="1", error_code="0", error_status="success"),)

    @pytest.mark.parametrize(
        "changes",
        [{"FromUserName": ""}, {"CreateTime": "now"}, {"CreateTime": "１"}, {"MsgType": ["event"]}, {"MsgType": True}],
    )
    def test_a_push_without_sender_time_or_type_is_incomplete(self, changes: dict[str, Any]) -> None:
        with pytest.raises(PushIncomplete):
            read_push(HEAD | changes)


class TestDedupKey:
    def test_a_message_is_known_by_its_number(self) -> None:
        message = {**HEAD, "MsgType": "text", "MsgId": "7"}

        assert dedup_key(message | {"CreateTime": "2"}) == dedup_key(message)
        assert dedup_key(message | {"MsgId": "8"}) != dedup_key(message)

    @pytest.mark.parametrize(
        "changes",
        [
            {"FromUserName": "p"},
            {"CreateTime": "1773108001"},
            {"Event": "SCAN"},
            {"EventKey": "B"},
            {"MsgID": "2"},
        ],
    )
    def test_events_differ_by_sender_second_name_key_and_report(self, changes: dict[str, str]) -> None:
        event = {**HEAD, "Event": "CLICK", "EventKey": "A"}

        assert dedup_key(event | changes) != dedup_key(event)

    def test_events_about_different_templates_differ(self) -> None:
        event = {**HEAD, "Event": "subscribe_msg_popup_event"}

        assert dedup_key({**event, "List": [sent()]}) != dedup_key({**event, "List": [sent(TemplateId="U")]})


class TestReadBody:
    def test_repeated_elements_become_a_list(self) -> None:
        body = "<xml><a>1</a><a><![CDATA[二🎉]]></a><b><c>3</c></b><d/></xml>".encode()

        assert read_body(body) == {"a": ["1", "二🎉"], "b": {"c": "3"}, "d": ""}

    @given(some.binary(max_size=200) | some.text(alphabet='<>/xml![]CDAT{}":,& a1\x00é', max_size=80).map(str.encode))
    def test_random_bytes_are_fields_or_malformed_and_nothing_worse(self, body: bytes) -> None:
        with suppress(PushMalformed):
            assert isinstance(read_body(body), dict)
