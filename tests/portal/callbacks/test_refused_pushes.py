"""Pushes that are refused, and nothing of them stored: forged, of another time or account, or without sense."""

import pytest
from sqlalchemy.orm import Session

from tests.portal.callbacks.conftest import Wechat, stored_pushes, text_message


def test_a_wrong_signature(wechat: Wechat, session: Session) -> None:
    query, body = wechat.sealed(text_message("积分"))

    response = wechat.client.post(wechat.url, query_string=query | {"msg_signature": "0" * 40}, data=body)

    assert (response.status_code, response.mimetype) == (403, "text/plain")
    assert stored_pushes(session) == 0


def test_a_cipher_of_another_appid(wechat: Wechat) -> None:
    foreign = wechat.account | {"appid": "wxother"}
    crypto = Wechat(wechat.client, foreign, wechat.at).crypto

    assert wechat.push(text_message("积分"), crypto=crypto).status_code == 403


@pytest.mark.parametrize("cipher", ["", "AAAA", "not base64!", "é", "QUJD" * 16])
def test_a_garbage_cipher(wechat: Wechat, cipher: str) -> None:
    query = wechat.query(encrypt_type="aes")
    query["msg_signature"] = wechat.signature(query["timestamp"], query["nonce"], cipher)

    response = wechat.client.post(
        wechat.url, query_string=query, data=f"<xml><Encrypt>{cipher}</Encrypt></xml>".encode()
    )

    assert response.status_code == (403 if cipher else 400)


def test_a_plain_body_where_encryption_is_set(wechat: Wechat) -> None:
    assert wechat.push_plain(text_message("积分")).status_code == 403


@pytest.mark.parametrize("age_seconds", [601, -601])
def test_a_push_from_another_time(wechat: Wechat, age_seconds: int) -> None:
    assert wechat.push(text_message("积分"), age_seconds=age_seconds).status_code == 403


def test_a_push_from_ten_minutes_ago_is_still_taken(wechat: Wechat) -> None:
    assert wechat.push(text_message("积分"), age_seconds=600).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x00\xff\xfe random",
        b"<xml>",
        b"<html></html>",
        b"<xml>text</xml>",
        b"<xml><MsgType>text</MsgType></xml>",
        b"[1]",
        b"{",
        b'{"MsgType": "\\ud800"}',
        b'{"FromUserName": "o", "CreateTime": 1, "MsgType": "text", "Content": "\\u0000"}',
        b"{" + b'"a":{' * 5000,
        b"<xml>" + b"<a>" * 5000,
        b'<!DOCTYPE xml [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><xml><MsgType>&b;</MsgType></xml>',
        b'<!DOCTYPE xml SYSTEM "file:///etc/passwd"><xml><MsgType>text</MsgType></xml>',
        text_message("一").replace("1773108000", "9" * 5000).encode(),
    ],
    ids=lambda body: body[:24].decode("latin-1"),
)
def test_a_body_that_makes_no_sense(plain_wechat: Wechat, session: Session, body: bytes) -> None:
    response = plain_wechat.push_plain(body)

    assert (response.status_code, response.mimetype) == (400, "text/plain")
    assert stored_pushes(session) == 0


def test_a_body_over_the_limit(plain_wechat: Wechat) -> None:
    at_limit = text_message("").replace("</xml>", " " * (64 * 1024 - len(text_message("").encode())) + "</xml>")

    assert plain_wechat.push_plain(at_limit).status_code == 200
    assert plain_wechat.push_plain(at_limit + " ").status_code == 413
