"""The life of a transfer bill: made, waiting for its user, confirmed, failed, cancelled or closed after a day.

Money leaves the account when the bill begins to wait, and comes back when it ends otherwise than in SUCCESS.
"""

from typing import Any

from sandbox import users
from sandbox.clock import iso
from sandbox.follows import ActRefused
from sandbox.pay import book, notices
from sandbox.pay.errors import PayError
from sandbox.pay.orders import Order
from sandbox.world import World

Bill = dict[str, Any]
CONFIRM_SECONDS, KEPT_SECONDS = 24 * 3600, 30 * 86400
ENDS = ("SUCCESS", "FAIL", "CANCELLED")
CANCELLABLE = ("ACCEPTED", "PROCESSING", "WAIT_USER_CONFIRM")
CONFIRMABLE = ("WAIT_USER_CONFIRM", "TRANSFERING")
BEFORE_MONEY, AFTER_MONEY = ("ACCEPTED", "PROCESSING", "WAIT_USER_CONFIRM"), ("TRANSFERING", "SUCCESS")
"""What a bill may be moved on to as long as no money has left for it, and once some has; it may fail at any time."""


def create(world: World, order: Order) -> Bill:
    """Makes the bill, or shows the one of this number. Raises PayError ALREADY_EXISTS, NOT_ENOUGH."""
    known = world.store.row("SELECT * FROM transfers WHERE out_bill_no = ?", order.out_bill_no)
    if known is not None:
        if known["fingerprint"] != order.fingerprint:
            raise PayError("ALREADY_EXISTS")
        return dict(known)
    if book.balance(world) < order.amount:
        raise PayError("NOT_ENOUGH")
    fault = world.faults.take(target="transfer", event="create", appid=order.appid, path=order.out_bill_no)
    held = fault.state if fault else None
    now = world.clock.now()
    world.store.run(
        "INSERT INTO transfers (out_bill_no, transfer_bill_no, user_id, appid, openid, amount, remark, perception,"
        " fingerprint, notify_url, state, is_held, created_at, updated_at) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        order.out_bill_no, f"13300{world.random.digits(35)}",
        users.of_openid(world, appid=order.appid, openid=order.openid), order.appid, order.openid, order.amount,
        order.remark, order.perception, order.fingerprint, order.notify_url, held or "ACCEPTED",
        held is not None, now, now,
    )  # fmt: skip
    book.watch(world, order.out_bill_no)
    if held is None:
        _offer(world, _bill(world, order.out_bill_no))
    if fault and fault.fail_reason:
        _end(world, _bill(world, order.out_bill_no), "FAIL", fault.fail_reason)
    return _bill(world, order.out_bill_no)


def find(world: World, *, column: str, number: str) -> Bill:
    """A bill of the last thirty days by one of its two numbers. Raises PayError NOT_FOUND."""
    row = world.store.row(
        f"SELECT * FROM transfers WHERE {column} = ? AND created_at > ?",  # noqa: S608 - one of two names of ours
        number, world.clock.now() - KEPT_SECONDS,
    )  # fmt: skip
    if row is None:
        raise PayError("NOT_FOUND")
    return dict(row)


def cancel(world: World, out_bill_no: str) -> Bill:
    """Begins to cancel a bill that its user has not confirmed. Raises PayError NOT_FOUND, INVALID_REQUEST."""
    bill = find(world, column="out_bill_no", number=out_bill_no)
    if bill["state"] in ("CANCELING", "CANCELLED"):
        return bill
    if bill["state"] not in CANCELLABLE:
        raise PayError("INVALID_REQUEST", "当前单据状态不支持撤销")
    return _move(world, bill, "CANCELING")


def confirm(world: World, *, user_id: int, appid: str, package: str, mch_id: str) -> Bill:
    """The person takes the money. Raises ActRefused with what the phone says, UserNotFound."""
    users.get(world, user_id)
    with world.store.transaction():
        bill = confirmable(world, user_id=user_id, package=package)
        if (bill["appid"], world.config.merchant.mch_id) != (appid, mch_id):
            raise ActRefused("商户号或AppID与转账单不一致")
        fault = world.faults.take(target="transfer", event="confirm", appid=appid, path=bill["out_bill_no"])
        if fault and fault.fail_reason:
            return _end(world, bill, "FAIL", fault.fail_reason)
        if fault and fault.state == "TRANSFERING":
            return _move(world, bill, "TRANSFERING", is_held=True)
        return _end(world, bill, "SUCCESS", None)


def confirmable(world: World, *, user_id: int, package: str) -> Bill:
    """The bill that a package opens for this person now. Raises ActRefused with what the phone says."""
    row = world.store.row("SELECT * FROM transfers WHERE package_info = ?", package)
    if row is None:
        raise ActRefused("转账单不存在，请返回重试")
    if row["user_id"] != user_id:
        raise ActRefused("你的微信号与商家指定的收款微信号不一致")
    if row["state"] not in CONFIRMABLE:
        raise ActRefused(_closed(row["state"]))
    return dict(row)


def go_on(world: World, out_bill_no: str, *, state: str, fail_reason: str | None) -> Bill:
    """Moves a bill that a fault holds back, as the platform does in its own time: money leaves once, and is paid once.

    Raises ActRefused.
    """
    with world.store.transaction():
        row = world.store.row("SELECT * FROM transfers WHERE out_bill_no = ?", out_bill_no)
        if row is None or row["state"] in ENDS:
            raise ActRefused("no such bill, or it has ended")
        if state in (BEFORE_MONEY if row["is_locked"] else AFTER_MONEY):
            raise ActRefused(f"from {row['state']} no bill comes to {state}")
        if state in ENDS:
            return _end(world, dict(row), state, fail_reason)
        if state == "WAIT_USER_CONFIRM":
            return _offer(world, dict(row))
        return _move(world, dict(row), state, is_held=True)


def advance(world: World) -> None:
    """Lets time do its work: bills short of money, cancelled ones, and those nobody confirmed within a day."""
    now = world.clock.now()
    with world.store.transaction():
        for row in world.store.rows("SELECT * FROM transfers WHERE state NOT IN ('SUCCESS', 'FAIL', 'CANCELLED')"):
            bill = dict(row)
            if bill["state"] == "WAIT_USER_CONFIRM" and bill["created_at"] + CONFIRM_SECONDS <= now:
                _end(world, bill, "FAIL", "OVERDUE_CLOSE")
            elif bill["state"] == "CANCELING" and bill["updated_at"] + world.config.merchant.cancel_seconds <= now:
                _end(world, bill, "CANCELLED", None)
            elif bill["state"] in ("ACCEPTED", "PROCESSING") and not bill["is_held"]:
                _offer(world, bill)


def of_user(world: World, user_id: int) -> list[Bill]:
    """The bills of a person, newest first."""
    users.get(world, user_id)
    return [
        dict(row) for row in world.store.rows("SELECT * FROM transfers WHERE user_id = ? ORDER BY id DESC", user_id)
    ]


def public(bill: Bill) -> Bill:
    """A bill as the control API tells it."""
    hidden = ("fingerprint", "is_held", "is_locked")
    times = {name: iso(bill[name]) for name in ("created_at", "updated_at")}
    return {name: value for name, value in bill.items() if name not in hidden} | times


def _offer(world: World, bill: Bill) -> Bill:
    """Locks the money and waits for the user; without money the bill stays in PROCESSING."""
    if book.balance(world) < bill["amount"]:
        return _move(world, bill, "PROCESSING")
    _book(world, bill, kind="transfer", amount=-bill["amount"])
    world.store.run(
        "UPDATE transfers SET is_locked = 1, package_info = ? WHERE id = ?", world.random.text(64), bill["id"]
    )
    return _move(world, bill, "WAIT_USER_CONFIRM")


def _move(world: World, bill: Bill, state: str, *, is_held: bool = False) -> Bill:
    if (state, is_held) != (bill["state"], bool(bill["is_held"])):
        world.store.run(
            "UPDATE transfers SET state = ?, is_held = ?, updated_at = ? WHERE id = ?",
            state, is_held, world.clock.now(), bill["id"],
        )  # fmt: skip
    return _bill(world, bill["out_bill_no"])


def _end(world: World, bill: Bill, state: str, fail_reason: str | None) -> Bill:
    if bill["is_locked"] and state != "SUCCESS":
        _book(world, bill, kind="return", amount=bill["amount"])
    world.store.run("UPDATE transfers SET fail_reason = ? WHERE id = ?", fail_reason, bill["id"])
    ended = _move(world, bill, state)
    book.watch(world, bill["out_bill_no"])
    notices.owe(world, ended)
    return ended


def _book(world: World, bill: Bill, *, kind: str, amount: int) -> None:
    numbers = {name: bill[name] for name in ("out_bill_no", "transfer_bill_no")}
    book.enter(world, kind=kind, amount=amount, **numbers)


def _bill(world: World, out_bill_no: str) -> Bill:
    row = world.store.row("SELECT * FROM transfers WHERE out_bill_no = ?", out_bill_no)
    assert row is not None
    return dict(row)


def _closed(state: str) -> str:
    return {
        "SUCCESS": "你已收款，请勿重复操作",
        "FAIL": "转账已失败或已过期退回",
        "CANCELING": "商家已撤销转账",
        "CANCELLED": "商家已撤销转账",
    }.get(state, "转账处理中，请稍后再试")
