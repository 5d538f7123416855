"""Electronic receipts (电子回单) of transfers: apply, query, and the file itself."""

from flask import Response, request

from sandbox.pay import receipts, statements
from sandbox.pay.door import HOST, Answer, PayCall, endpoint
from sandbox.pay.errors import PayError

RECEIPTS = "/fund-app/mch-transfer/elecsign/out-bill-no"
FILE = "/transferdownload/elecvoucherfile"


@endpoint(RECEIPTS, method="POST")
def apply_for_receipt(call: PayCall) -> Answer:
    """Asks for the receipt of a transfer."""
    number = call.body.get("out_bill_no")
    if not isinstance(number, str) or not number:
        raise PayError("PARAM_ERROR")
    told = receipts.apply(call.world, number)
    return {"state": told["state"], "create_time": told["create_time"]}


@endpoint(f"{RECEIPTS}/<number>")
def query_receipt(call: PayCall, number: str) -> Answer:
    """How far the receipt is; once it is made, where it lies."""
    told = receipts.show(call.world, number)
    if told["state"] != "FINISHED":
        return told
    digest, token = receipts.announce(call.world, number)
    address = f"{request.host_url.rstrip('/')}{HOST}/v3{FILE}?token={token}&source=elecsign"
    return {**told, "hash_type": receipts.HASH_TYPE, "hash_value": digest, "download_url": address}


@endpoint(FILE)
def download_receipt(call: PayCall) -> Answer:
    """The receipt itself."""
    return Response(statements.fetch(call.world, request.args.get("token", "")), content_type="application/pdf")
