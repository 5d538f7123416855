"""The sandbox's own book of money: what the merchant has, what moved when, and the detector of double payments.

It believes nothing that a backend says of itself: two bills for one business key, of which neither failed, are an
alarm, whatever their numbers are. Which bill stands for which business key a test declares; of bills that nobody
declared two of one person with the same amount and remark raise it, while the first is open.
"""

import logging
from collections.abc import Mapping
from typing import Any

from sandbox.clock import iso
from sandbox.follows import ActRefused
from sandbox.world import World

logger = logging.getLogger(__name__)
UNDONE = ("FAIL", "CANCELLED")


def balance(world: World) -> int:
    """What stands on the merchant's operating account (运营账户), in fen."""
    last = world.store.value("SELECT balance FROM pay_flows ORDER BY id DESC LIMIT 1")
    return world.config.merchant.balance_fen if last is None else int(last)


def enter(world: World, *, kind: str, amount: int, out_bill_no: str = "", transfer_bill_no: str = "") -> None:
    """Moves money: ``transfer`` takes, ``return`` and ``top_up`` bring."""
    world.store.run(
        "INSERT INTO pay_flows (flow_no, kind, out_bill_no, transfer_bill_no, amount, balance, booked_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        world.random.digits(28), kind, out_bill_no, transfer_bill_no, amount, balance(world) + amount,
        world.clock.now(),
    )  # fmt: skip


def top_up(world: World, amount: int) -> int:
    """Puts money on the account, or takes some from it; returns the balance. Raises ActRefused."""
    with world.store.transaction():
        if balance(world) + amount < 0:
            raise ActRefused("there is not so much money on the account")
        enter(world, kind="top_up", amount=amount)
        return balance(world)


def flows(world: World) -> list[dict[str, Any]]:
    """Every movement of money, oldest first."""
    rows = world.store.rows("SELECT * FROM pay_flows ORDER BY id")
    return [{**dict(row), "booked_at": iso(row["booked_at"])} for row in rows]


def declare(world: World, keys: Mapping[str, str]) -> None:
    """Says for which business key a bill is meant to pay, before or after it is made."""
    with world.store.transaction():
        for out_bill_no, key in keys.items():
            world.store.run("INSERT OR REPLACE INTO pay_keys VALUES (?, ?)", out_bill_no, key)
            watch(world, out_bill_no)


def watch(world: World, out_bill_no: str) -> None:
    """Looks for another bill that pays the same thing; called whenever a bill is made, declared or paid."""
    bill = world.store.row("SELECT * FROM transfers WHERE out_bill_no = ?", out_bill_no)
    if bill is None or bill["state"] in UNDONE:
        return
    key = world.store.value("SELECT business_key FROM pay_keys WHERE out_bill_no = ?", out_bill_no)
    for other in _same_key(world, out_bill_no, key) if key else _look_alikes(world, dict(bill)):
        first, second = sorted((out_bill_no, other))
        if world.store.changed(
            "INSERT OR IGNORE INTO pay_alarms (first, second, business_key, amount, at) VALUES (?, ?, ?, ?, ?)",
            first, second, key or "", bill["amount"], world.clock.now(),
        ):  # fmt: skip
            logger.error("DOUBLE PAYMENT: bills %s and %s pay the same thing (%s)", first, second, key or "look-alikes")


def alarms(world: World) -> list[dict[str, Any]]:
    """Every double payment seen, oldest first."""
    rows = world.store.rows("SELECT * FROM pay_alarms ORDER BY at")
    return [{**dict(row), "at": iso(row["at"])} for row in rows]


def forget_alarms(world: World) -> None:
    """Forgets what was seen; for tests of the detector itself."""
    world.store.run("DELETE FROM pay_alarms")


def _same_key(world: World, out_bill_no: str, key: str) -> list[str]:
    rows = world.store.rows(
        "SELECT t.out_bill_no FROM transfers t JOIN pay_keys k ON k.out_bill_no = t.out_bill_no"
        " WHERE k.business_key = ? AND t.out_bill_no <> ? AND t.state NOT IN ('FAIL', 'CANCELLED')",
        key, out_bill_no,
    )  # fmt: skip
    return [row["out_bill_no"] for row in rows]


def _look_alikes(world: World, bill: Mapping[str, Any]) -> list[str]:
    rows = world.store.rows(
        "SELECT t.out_bill_no FROM transfers t LEFT JOIN pay_keys k ON k.out_bill_no = t.out_bill_no"
        " WHERE k.out_bill_no IS NULL AND t.user_id = ? AND t.amount = ? AND t.remark = ? AND t.out_bill_no <> ?"
        " AND t.state NOT IN ('FAIL', 'CANCELLED', 'SUCCESS')",
        bill["user_id"], bill["amount"], bill["remark"], bill["out_bill_no"],
    )  # fmt: skip
    return [row["out_bill_no"] for row in rows]
