"""The first day of a member, over HTTP against started processes: what a newcomer does after ``make run``."""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.kernel.database import connect
from loyalty.kernel.transaction import run
from loyalty.members.models import Member
from loyalty.points.service import earn
from tests.browser.system import System
from tests.journeys.simulated import MP_APPID, OA_APPID, Browser, MiniProgram, Phone
from trial.paths import PROJECT

Somebody = Callable[[], Phone]
CARD, CHECK_IN, STATEMENT = [0], [1], [2, 1]
PROMPT_MAX = 3
"""So many templates at most stand in one prompt of WeChat."""


def open_from_menu(phone: Phone, index: list[int]) -> Browser:
    browser = Browser(phone)
    browser.open(phone.act("menu", appid=OA_APPID, index=index)["url"])
    return browser


def bind(phone: Phone) -> None:
    """Open the card from the menu and bind the phone by an SMS code."""
    browser = open_from_menu(phone, CARD)
    browser.submit("/h5/binding/codes", phone=phone.number)
    browser.submit(
        "/h5/binding", phone=phone.number, sms_code=phone.sms_code(), consent=browser.consents(), next="/h5/"
    )
    assert "入会成功" in browser.text


def enter_and_bind(phone: Phone, system: System) -> MiniProgram:
    """Log in to the mini program, accept its messages and bind the phone by WeChat's button."""
    mini_program = MiniProgram(phone, system.web)
    assert not mini_program.log_in()["is_member"]
    offered = [one["template_id"] for one in mini_program.call("GET", "/subscription-templates")["items"]]
    templates = offered[:PROMPT_MAX]
    phone.act("mp/subscribe", appid=MP_APPID, answers=dict.fromkeys(templates, "accept"))
    answers = [{"template_id": template_id, "answer": "accept"} for template_id in templates]
    mini_program.call("POST", "/subscription-grants", {"answers": answers}, key=f"grants-{phone.user['id']}")
    texts = mini_program.call("GET", "/privacy-texts")["items"]
    bound = mini_program.call(
        "POST",
        "/phone",
        {
            "code": phone.act("mp/phone", appid=MP_APPID)["code"],
            "consents": [{"purpose": text["purpose"], "version": text["version"]} for text in texts],
            "store_code": "SH-JAS",
        },
    )
    assert bound["outcome"] == "enrolled"
    return mini_program


def test_a_fan_follows_binds_checks_in_and_gets_the_message(system: System, somebody: Somebody) -> None:
    phone = somebody()
    followed = phone.act("follow", appid=OA_APPID)
    assert "欢迎关注" in followed["push"]["reply"]["Content"]
    assert "签到" in phone.act("text", appid=OA_APPID, content="积分")["push"]["reply"]["Content"]

    bind(phone)
    message = phone.wait_for_message("template", "会员绑定成功")
    assert message["url"] == f"{system.web}/h5/"
    assert "普通会员" in [field["value"] for field in message["fields"]]

    browser = open_from_menu(phone, CHECK_IN)
    browser.submit("/h5/check-ins", key="first-day-1")
    assert "签到成功，连续签到第1天" in browser.text
    browser.submit("/h5/check-ins", key="first-day-2")
    assert "今天已经签到过了" in browser.text

    statement = open_from_menu(phone, STATEMENT).text
    assert "连续签到第1天，基础5积分" in statement
    assert statement.count("连续签到") == 1
    assert "会员绑定成功" in browser.open(f"{system.web}/h5/inbox")


def test_the_same_day_in_the_mini_program(system: System, somebody: Somebody) -> None:
    phone = somebody()
    mini_program = enter_and_bind(phone, system)
    assert phone.wait_for_message("subscribe", "入会成功")["page"] == "pages/card/index"

    first = mini_program.call("POST", "/check-ins", {"store_code": "SH-JAS"}, expect=201, key="check-in-1")
    again = mini_program.call("POST", "/check-ins", {"store_code": "SH-JAS"}, expect=201, key="check-in-1")
    assert first == again
    refused = mini_program.call("POST", "/check-ins", {"store_code": "SH-JAS"}, expect=409, key="check-in-2")
    assert refused["error"]["code"] == "already_checked_in"
    (entry,) = mini_program.call("GET", "/points/entries")["items"]
    assert (entry["points"], entry["reason"]) == (first["points"], first["reason"])
    assert mini_program.call("GET", "/me")["member"]["points_available"] == first["points"]
    assert mini_program.call("GET", "/inbox")["unread"] == 1


def test_one_person_at_both_doors_is_one_member(system: System, somebody: Somebody) -> None:
    phone = somebody()
    phone.act("follow", appid=OA_APPID)
    bind(phone)
    open_from_menu(phone, CHECK_IN).submit("/h5/check-ins", key="both-doors")

    mini_program = MiniProgram(phone, system.web)
    assert mini_program.log_in()["is_member"]
    assert mini_program.call("GET", "/check-ins")["checked_in_today"]
    refused = mini_program.call("POST", "/check-ins", {}, expect=409, key="both-doors-mp")
    assert refused["error"]["details"]["points"] == 5


def test_points_that_a_purchase_earned_are_told_on_the_phone(system: System, somebody: Somebody) -> None:
    phone = somebody()
    mini_program = enter_and_bind(phone, system)
    number = mini_program.call("GET", "/me")["member"]["number"]
    at = datetime.now(UTC)

    def buy(session: Session) -> None:
        member_id = session.scalars(select(Member.id).where(Member.number == number)).one()
        explanation = {"rule": "purchase"}
        earn(
            session, member_id=member_id, points=88, reference="order:1", explanation=explanation,
            occurred_at=at, at=at,
        )  # fmt: skip

    database = connect(system.settings["DATABASE_URL"], pooling=system.settings["DATABASE_POOLING"], connections=1)
    run(database, buy)
    database.engine.dispose()
    message = phone.wait_for_message("subscribe", "消费获得88积分")
    assert [field["value"] for field in message["fields"][1:3]] == ["88", "88"]


def test_who_only_looks_at_the_snapshot_page_does_not_enter(somebody: Somebody) -> None:
    phone = somebody()
    phone.act("follow", appid=OA_APPID)
    browser = Browser(phone, answer="snapshot")
    browser.open(phone.act("menu", appid=OA_APPID, index=CARD)["url"])
    assert "预览页面" in browser.text
    assert "h5_session" not in browser.session.cookies


def test_the_books_are_green_at_the_end_of_the_day(system: System) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "app", "ledger", "verify"],
        cwd=PROJECT, env={**os.environ, **system.settings}, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, "Everything fits." in done.stdout) == (0, True), done.stdout + done.stderr
