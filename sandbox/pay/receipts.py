"""Electronic receipts (电子回单) of transfers: applied for by number, made in a while, then a PDF.

Source: WeChat Pay, 商户单号申请电子回单 and 商户单号查询电子回单 (2025-03).
"""

import hashlib
import json
import time
from typing import Any

from sandbox.clock import iso
from sandbox.pay import pdf
from sandbox.pay.desk import Download
from sandbox.pay.errors import PayError
from sandbox.world import World

Receipt = dict[str, Any]
GENERATING_SECONDS = 60
"""How long a receipt is in the making, by the sandbox's clock; the real platform promises nothing."""
APPLIED_WITHIN_SECONDS, KEPT_SECONDS = 180 * 86400, 90 * 86400
ADDRESS_SECONDS = 600
HASH_TYPE = "SHA256"


def apply(world: World, out_bill_no: str) -> Receipt:
    """Asks for the receipt of a transfer that was paid; again shows the one asked for. Raises PayError."""
    bill = world.store.row("SELECT * FROM transfers WHERE out_bill_no = ?", out_bill_no)
    now = world.clock.now()
    if bill is None:
        raise PayError("NOT_FOUND")
    if bill["state"] != "SUCCESS":
        raise PayError("INVALID_REQUEST", "仅支持付款成功的转账单据申请电子回单")
    if not json.loads(bill["fingerprint"])["user_name"]:
        raise PayError("INVALID_REQUEST", "仅支持传入收款用户姓名的转账单据申请电子回单")
    if bill["created_at"] + APPLIED_WITHIN_SECONDS <= now:
        raise PayError("INVALID_REQUEST", "仅支持六个月内的转账单据申请电子回单")
    if _row(world, out_bill_no) is None:
        fault = world.faults.take(target="transfer", event="receipt", appid=bill["appid"], path=out_bill_no)
        world.store.run(
            "INSERT OR REPLACE INTO receipts (out_bill_no, is_held, fail_reason, created_at) VALUES (?, ?, ?, ?)",
            out_bill_no, fault is not None and fault.state is not None, fault.fail_reason if fault else None, now,
        )  # fmt: skip
    return show(world, out_bill_no)


def show(world: World, out_bill_no: str) -> Receipt:
    """How far a receipt is; nothing about one that nobody asked for within ninety days. Raises PayError NOT_FOUND."""
    row = _row(world, out_bill_no)
    if row is None:
        raise PayError("NOT_FOUND")
    made_at = row["created_at"] + GENERATING_SECONDS
    if row["is_held"] or world.clock.now() < made_at:
        return _told(row, "GENERATING", row["created_at"])
    if row["fail_reason"]:
        return {**_told(row, "FAILED", made_at), "fail_reason": row["fail_reason"]}
    return _told(row, "FINISHED", made_at)


def announce(world: World, out_bill_no: str) -> tuple[str, str]:
    """Makes the file ready to fetch; its digest and the token of its address."""
    content = _file(world, out_bill_no)
    token = world.random.text(48)
    with world.pay.lock:
        world.pay.downloads[token] = Download(content, time.monotonic() + ADDRESS_SECONDS)
    return hashlib.sha256(content).hexdigest().upper(), token


def _row(world: World, out_bill_no: str) -> Receipt | None:
    row = world.store.row(
        "SELECT * FROM receipts WHERE out_bill_no = ? AND created_at > ?",
        out_bill_no, world.clock.now() - KEPT_SECONDS,
    )  # fmt: skip
    return None if row is None else dict(row)


def _told(row: Receipt, state: str, updated_at: float) -> Receipt:
    return {"state": state, "create_time": iso(row["created_at"]), "update_time": iso(updated_at)}


def _file(world: World, out_bill_no: str) -> bytes:
    bill = world.store.row("SELECT * FROM transfers WHERE out_bill_no = ?", out_bill_no)
    assert bill is not None
    return pdf.page(
        [
            "Electronic receipt of a transfer (sandbox)",
            f"Merchant {world.config.merchant.mch_id}",
            f"Merchant's number {bill['out_bill_no']}",
            f"WeChat's number {bill['transfer_bill_no']}",
            f"Amount CNY {bill['amount'] // 100}.{bill['amount'] % 100:02d}",
            f"Paid at {iso(bill['updated_at'])}",
        ]
    )
