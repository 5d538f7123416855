"""Transfers to users (商家转账): create, two queries, cancel; and the retired product before it."""

from typing import Any

from sandbox.clock import iso
from sandbox.pay import transfers
from sandbox.pay.door import Answer, PayCall, endpoint
from sandbox.pay.errors import PayError
from sandbox.pay.orders import read_order

BILLS = "/fund-app/mch-transfer/transfer-bills"


@endpoint(BILLS, method="POST")
def create(call: PayCall) -> Answer:
    """Makes a bill; the same number with the same parameters shows the one there is."""
    bill = transfers.create(call.world, read_order(call.world, call.body))
    told = {**_numbers(bill), "create_time": iso(bill["created_at"]), "state": bill["state"], **_reason(bill)}
    if bill["state"] == "WAIT_USER_CONFIRM":
        told["package_info"] = bill["package_info"]
    return told


@endpoint(f"{BILLS}/out-bill-no/<number>")
def query(call: PayCall, number: str) -> Answer:
    """A bill by the merchant's number."""
    return _whole(call, transfers.find(call.world, column="out_bill_no", number=number))


@endpoint(f"{BILLS}/transfer-bill-no/<number>")
def query_by_transfer_bill_no(call: PayCall, number: str) -> Answer:
    """A bill by the platform's number."""
    return _whole(call, transfers.find(call.world, column="transfer_bill_no", number=number))


@endpoint(f"{BILLS}/out-bill-no/<number>/cancel", method="POST")
def cancel(call: PayCall, number: str) -> Answer:
    """Begins to cancel a bill."""
    bill = transfers.cancel(call.world, number)
    return {**_numbers(bill), "state": bill["state"], "update_time": iso(bill["updated_at"])}


@endpoint("/transfer/batches", method="POST")
def retired_batches(call: PayCall) -> Answer:
    """The product before 2025, closed to this merchant."""
    raise PayError("NO_AUTH")


def _whole(call: PayCall, bill: dict[str, Any]) -> Answer:
    return {
        **_numbers(bill),
        "mch_id": call.world.config.merchant.mch_id,
        "appid": bill["appid"],
        "state": bill["state"],
        "transfer_amount": bill["amount"],
        "transfer_remark": bill["remark"],
        "openid": bill["openid"],
        "create_time": iso(bill["created_at"]),
        "update_time": iso(bill["updated_at"]),
        **_reason(bill),
    }


def _numbers(bill: dict[str, Any]) -> dict[str, Any]:
    return {"out_bill_no": bill["out_bill_no"], "transfer_bill_no": bill["transfer_bill_no"]}


def _reason(bill: dict[str, Any]) -> dict[str, Any]:
    return {"fail_reason": bill["fail_reason"]} if bill["fail_reason"] else {}
