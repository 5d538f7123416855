"""From an invitation to money in the wallet, over HTTP against started processes; only the till is ours."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from tests.browser.system import System
from tests.journeys.money import Books, books_of
from tests.journeys.simulated import OA_APPID, SECONDS, Browser, MiniProgram, Phone
from tests.journeys.test_first_day import enter_and_bind
from tests.journeys.test_first_day import test_the_books_are_green_at_the_end_of_the_day as assert_books_are_green
from trial.processes import wait_until

Somebody = Callable[[], Phone]


@pytest.fixture
def books(system: System) -> Iterator[Books]:
    with books_of(system) as opened:
        opened.set_plan()
        opened.trust_this_computer()
        yield opened


def invite(sharer: MiniProgram, friend: Phone, system: System) -> MiniProgram:
    """The friend opens the sharer's card in the mini program, and becomes a member there."""
    scene = sharer.call("POST", "/shares", {"channel": "mini_program"})["scene"]
    visiting = MiniProgram(friend, system.web)
    visiting.log_in()
    assert visiting.call("POST", "/share-openings", {"share": scene})["counted"]
    return come_as_invited(sharer, friend, system)


def come_as_invited(sharer: MiniProgram, friend: Phone, system: System) -> MiniProgram:
    before = friends_of(sharer)
    entered = enter_and_bind(friend, system)
    wait_for(lambda: friends_of(sharer) == before + 1, "the friend is not attributed")
    return entered


def friends_of(member: MiniProgram) -> int:
    return int(member.call("GET", "/invite-page")["totals"]["friends"])


def number_of(member: MiniProgram) -> str:
    return str(member.call("GET", "/me")["member"]["number"])


def figures_of(member: MiniProgram) -> tuple[int, int, int]:
    """Pending, available and owed."""
    told = member.call("GET", "/earnings")
    return told["pending_fen"], told["available_fen"], told["owed_fen"]


def wait_for(condition: Callable[[], bool], what: str) -> None:
    assert wait_until(condition, within_seconds=SECONDS), what


def settle(books: Books, member: MiniProgram, figures: tuple[int, int, int]) -> None:
    """Do what the schedule does until it shows: the system's own workers may be at the same orders."""

    def is_settled() -> bool:
        books.settle_commissions()
        return figures_of(member) == figures

    wait_for(is_settled, f"{figures} never came")


def withdraw(member: MiniProgram, amount_fen: int, key: str) -> dict[str, Any]:
    """Ask for money and wait until the phone can confirm it."""
    asked = member.call("POST", "/payouts", {"amount_fen": amount_fen}, expect=201, key=key)
    found: dict[str, Any] = {}

    def is_offered() -> bool:
        found.update(member.call("GET", f"/payouts/{asked['id']}"))
        return found["confirmation"] is not None

    wait_for(is_offered, f"nothing to confirm: {found}")
    return found


def confirm(member: MiniProgram, offered: dict[str, Any]) -> None:
    """Tap 收款 on the phone, and wait until the callback has arrived."""
    given = offered["confirmation"]
    member.phone.act("transfers/confirm", mchId=given["mch_id"], appId=given["app_id"], package=given["package"])
    wait_for(
        lambda: member.call("GET", f"/payouts/{offered['id']}")["state"] == "success", "the callback did not arrive"
    )


def wallet_of(member: MiniProgram) -> int:
    url = f"{member.phone.sandbox_url}/_sim/users/{member.phone.user['id']}/transfers"
    return int(requests.get(url, timeout=SECONDS).json()["wallet_fen"])


def test_a_fan_who_opens_a_link_and_buys_becomes_money_in_the_wallet(
    system: System, somebody: Somebody, books: Books
) -> None:
    sharer = enter_and_bind(somebody(), system)
    fan = somebody()
    fan.act("follow", appid=OA_APPID)
    wait_for(lambda: books.knows_unionid(fan.user["openids"][OA_APPID]), "nobody asked who follows")
    link = sharer.call("POST", "/shares", {"channel": "oa"})["link"]
    assert "会员邀请您加入" in Browser(fan).open(link)
    friend = come_as_invited(sharer, fan, system)

    books.buy(number_of(friend), 20_000)
    settle(books, sharer, (0, 2_000, 0))

    offered = withdraw(sharer, 2_000, "invitation-withdrawal")
    again = sharer.call("POST", "/payouts", {"amount_fen": 2_000}, expect=201, key="invitation-withdrawal")
    assert (again["id"], figures_of(sharer)) == (offered["id"], (0, 0, 0))
    confirm(sharer, offered)

    assert wallet_of(sharer) == 2_000
    lines = sharer.call("GET", "/earnings/entries")["items"]
    assert [line["kind"] for line in lines] == ["withdraw", "approve", "accrue"]
    assert all(line["reason"] for line in lines)
    assert system.control("GET", "/pay/alarms") == []
    assert_books_are_green(system)


def test_a_chain_of_three_pays_nobody_beyond_the_first(system: System, somebody: Somebody, books: Books) -> None:
    first = enter_and_bind(somebody(), system)
    second = invite(first, somebody(), system)
    third = invite(second, somebody(), system)
    fourth = invite(third, somebody(), system)

    books.buy(number_of(fourth), 10_000)
    settle(books, third, (0, 1_000, 0))

    assert [figures_of(one)[1] for one in (first, second, third, fourth)] == [0, 0, 1_000, 0]


def test_a_refund_takes_back_what_is_left_and_is_owed_for_what_was_paid(
    system: System, somebody: Somebody, books: Books
) -> None:
    sharer = enter_and_bind(somebody(), system)
    friend = number_of(invite(sharer, somebody(), system))

    before = books.buy(friend, 30_000)
    settle(books, sharer, (0, 3_000, 0))
    books.give_back(before, 30_000)
    wait_for(lambda: figures_of(sharer) == (0, 0, 0), "a refund before the payout takes it from what is there")

    during = books.buy(friend, 20_000)
    settle(books, sharer, (0, 2_000, 0))
    offered = withdraw(sharer, 1_500, "refund-withdrawal")
    books.give_back(during, 20_000)
    wait_for(lambda: figures_of(sharer) == (0, 0, 1_500), "a refund during the payout: the rest is owed")

    confirm(sharer, offered)
    assert (wallet_of(sharer), figures_of(sharer)) == (1_500, (0, 0, 1_500))
    books.buy(friend, 40_000)
    settle(books, sharer, (0, 2_500, 0))  # what is earned next pays what is owed
    assert_books_are_green(system)
