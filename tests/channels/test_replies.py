import pytest

from loyalty.channels.rules.pushes import PushContent
from loyalty.channels.rules.replies import (
    Answer,
    ReplyBook,
    ReplyInvalid,
    ReplyTrigger,
    answer,
    answer_to,
    checked_keyword,
    never_reached,
)

BOOK = ReplyBook(
    welcome="欢迎",
    default="默认",
    exact={"积分": "查积分", "vip": "会员"},
    contains=(("门店", "找门店"), ("店", "店")),
    clicks={"KF": "客服"},
)


def said(text: str) -> PushContent:
    return PushContent(openid="o", created_at_epoch=1, kind="text", text=text)


def happened(event: str, key: str = "") -> PushContent:
    return PushContent(openid="o", created_at_epoch=1, kind="event", event=event, event_key=key)


@pytest.mark.parametrize(
    ("push", "expected"),
    [
        (said("积分"), "查积分"),
        (said(" ＶＩＰ "), "会员"),
        (said("积分多少"), "默认"),
        (said("最近的门店"), "找门店"),
        (said("店在哪"), "店"),
        (said(""), "默认"),
        (PushContent("o", 1, "image"), "默认"),
        (happened("subscribe", "store-1"), "欢迎"),
        (happened("click", "KF"), "客服"),
        (happened("click", "other"), None),
        (happened("unsubscribe"), None),
    ],
)
def test_the_first_reply_that_fits_is_given(push: PushContent, expected: str | None) -> None:
    assert answer(BOOK, push) == expected


def test_what_answers_a_message_is_told_with_its_keyword() -> None:
    assert answer_to(BOOK, "ＶＩＰ") == Answer(ReplyTrigger.EXACT, "vip", "会员")
    assert answer_to(BOOK, "最近的门店") == Answer(ReplyTrigger.CONTAINS, "门店", "找门店")
    assert answer_to(BOOK, "在吗") == Answer(ReplyTrigger.DEFAULT, "", "默认")
    assert answer_to(ReplyBook(), "在吗") is None


def test_a_keyword_behind_one_that_is_part_of_it_is_never_reached() -> None:
    book = ReplyBook(contains=(("店", "一"), ("门店", "二"), ("积分", "三"), ("店长", "四")))

    assert never_reached(book) == {"门店": "店", "店长": "店"}
    assert never_reached(BOOK) == {}


def test_an_empty_book_says_nothing() -> None:
    assert [answer(ReplyBook(), push) for push in (said("积分"), happened("subscribe"), happened("click", "KF"))] == [
        None,
        None,
        None,
    ]


def test_a_keyword_is_kept_normalised_but_the_key_of_a_button_as_it_is() -> None:
    assert checked_keyword(ReplyTrigger.EXACT, " ＶＩＰ ", "x") == "vip"
    assert checked_keyword(ReplyTrigger.CLICK, " Key_A ", "x") == "Key_A"


@pytest.mark.parametrize(
    ("trigger", "keyword", "text"),
    [
        (ReplyTrigger.EXACT, " ", "x"),
        (ReplyTrigger.WELCOME, "积分", "x"),
        (ReplyTrigger.CONTAINS, "字" * 61, "x"),
        (ReplyTrigger.DEFAULT, "", " "),
        (ReplyTrigger.DEFAULT, "", "字" * 683),
        (ReplyTrigger.DEFAULT, "", "a\0b"),
        (ReplyTrigger.DEFAULT, "", "\ud800"),
        (ReplyTrigger.CONTAINS, "a\0b", "x"),
    ],
)
def test_a_reply_that_cannot_work_is_refused(trigger: ReplyTrigger, keyword: str, text: str) -> None:
    with pytest.raises(ReplyInvalid):
        checked_keyword(trigger, keyword, text)
