"""Callbacks (回调通知) of WeChat Pay: signed, encrypted, sent until taken, by the platform's plan of retries.

The plan runs by the sandbox's clock, so that moving it brings the next try; each try is signed anew.
"""

import json
import threading
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import requests

from sandbox.clock import iso
from sandbox.faults import Fault, overlay
from sandbox.pay import wire
from sandbox.world import World

EVENT = "MCHTRANSFER.BILL.FINISHED"
KIND = "mch_payment"
TAKEN = (200, 204)
Notice = dict[str, Any]


@dataclass(frozen=True)
class Letter:
    """One signed callback, ready to be sent."""

    url: str
    body: str
    headers: dict[str, str] = field(default_factory=dict)


def owe(world: World, bill: Notice) -> None:
    """Tells the merchant soon of a bill's end; without a notify_url nobody is told.

    What is sent waits for the end of the transaction, as every statement of another thread does.
    """
    if not bill["notify_url"]:
        return
    told = {
        "out_bill_no": bill["out_bill_no"],
        "transfer_bill_no": bill["transfer_bill_no"],
        "state": bill["state"],
        "mch_id": world.config.merchant.mch_id,
        "transfer_amount": bill["amount"],
        "openid": bill["openid"],
        "fail_reason": bill["fail_reason"] or "",
        "create_time": iso(bill["created_at"]),
        "update_time": iso(bill["updated_at"]),
    }
    world.store.run(
        "INSERT INTO pay_notices (notice_id, out_bill_no, appid, openid, url, fields, created_at, due_at, status)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'waiting')",
        world.random.hex(32), bill["out_bill_no"], bill["appid"], bill["openid"], bill["notify_url"],
        json.dumps(told, ensure_ascii=False), world.clock.now(), world.clock.now() + world.config.event_delay_seconds,
    )  # fmt: skip
    world.scheduler.later(world.config.event_delay_seconds, lambda: send_due(world))


def send_due(world: World) -> None:
    """Sends every callback whose time has come, each in the background."""
    due = world.store.rows(
        "SELECT id FROM pay_notices WHERE status = 'waiting' AND due_at <= ? ORDER BY due_at", world.clock.now()
    )
    for row in due:
        if world.store.changed(
            "UPDATE pay_notices SET status = 'sending' WHERE id = ? AND status = 'waiting'", row["id"]
        ):
            world.scheduler.later(0, partial(_send, world, row["id"]))


def resume(world: World) -> None:
    """Takes up callbacks that were under way when the sandbox was stopped."""
    world.store.run("UPDATE pay_notices SET status = 'waiting' WHERE status = 'sending'")


def _send(world: World, number: int) -> None:
    row = world.store.row("SELECT * FROM pay_notices WHERE id = ?", number)
    if row is None:
        return  # the world was reset
    notice = dict(row)
    fault = world.faults.take(target="notify", path=notice["url"], appid=notice["appid"], event=EVENT) or Fault()
    place = world.config.merchant.mch_id
    if fault.reorder:
        world.gates.hold_back(place, seconds=world.config.push_timeout_seconds)
    if fault.delay_ms:
        world.stopping.wait(fault.delay_ms / 1000)
    statuses = [] if fault.drop == "before" else _deliver(world, notice, fault)
    world.gates.let_go(place)
    status = _noted(world, notice, statuses, fault)
    _log(world, notice, statuses, status, fault)


def _deliver(world: World, notice: Notice, fault: Fault) -> list[int | str]:
    """Sends one try, its copies at once and its replays behind it; what was answered to each."""
    letter, answered = _letter(world, notice, fault), list[int | str]()
    copies = [
        threading.Thread(target=lambda: answered.append(_post(world, letter)), daemon=True)
        for _ in range(fault.duplicate)
    ]
    for copy in copies:
        copy.start()
    first = _post(world, letter)
    for copy in copies:
        copy.join()
    return [first, *answered, *(_post(world, letter) for _ in range(fault.replay))]


def _letter(world: World, notice: Notice, fault: Fault) -> Letter:
    told = overlay(json.loads(notice["fields"]), fault)
    body = json.dumps(
        {
            "id": notice["notice_id"],
            "create_time": iso(notice["created_at"]),
            "resource_type": "encrypt-resource",
            "event_type": EVENT,
            "summary": "商家转账单据终态通知",
            "resource": wire.encrypted(
                world, json.dumps(told, ensure_ascii=False), kind=KIND, with_wrong_key=fault.key == "wrong"
            ),
        },
        ensure_ascii=False,
    )
    headers = {"Content-Type": "application/json", "User-Agent": "Mozilla/4.0"}
    return Letter(notice["url"], body, headers | wire.signature_headers(world, body, fault))


def _post(world: World, letter: Letter) -> int | str:
    try:
        answer = requests.post(
            letter.url, data=letter.body.encode(), headers=letter.headers, timeout=world.config.push_timeout_seconds,
            allow_redirects=False,
        )  # fmt: skip
        return answer.status_code
    except requests.RequestException as error:
        return type(error).__name__


def _noted(world: World, notice: Notice, statuses: list[int | str], fault: Fault) -> str:
    """Writes down what came of a try, and when the next one is due."""
    plan, tries, due_at = world.config.merchant.notify_retry_seconds, notice["tries"] + 1, notice["due_at"]
    if not statuses:
        status = "dropped"
    elif statuses[0] in TAKEN and fault.drop != "after":
        status = "taken"
    elif tries > len(plan):
        status = "given up"
    else:
        status, due_at = "waiting", world.clock.now() + plan[tries - 1]
    world.store.run(
        "UPDATE pay_notices SET status = ?, tries = ?, due_at = ? WHERE id = ?", status, tries, due_at, notice["id"]
    )
    return status


def _log(world: World, notice: Notice, statuses: list[int | str], status: str, fault: Fault) -> None:
    world.logs.pushes.add(
        {
            "at": iso(world.clock.now()),
            "appid": notice["appid"],
            "event": EVENT,
            "openid": notice["openid"],
            "notice_id": notice["notice_id"],
            "url": notice["url"],
            "fields": overlay(json.loads(notice["fields"]), fault),
            "status": status,
            "tries": statuses,
            "fault": fault.id or None,
        }
    )
