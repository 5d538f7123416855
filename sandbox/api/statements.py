"""Daily bills of the merchant, and the platform certificates that a merchant in public-key mode does not have."""

from flask import Response, request

from sandbox.pay import statements
from sandbox.pay.door import HOST, Answer, PayCall, endpoint
from sandbox.pay.errors import PayError


@endpoint("/bill/fundflowbill")
def fund_flow_bill(call: PayCall) -> Answer:
    """Where the fund bill of a day can be fetched."""
    digest, token = statements.announce(
        call.world,
        bill_date=request.args.get("bill_date", ""),
        account_type=request.args.get("account_type", "BASIC"),
        is_packed=request.args.get("tar_type") == "GZIP",
    )
    address = f"{request.host_url.rstrip('/')}{HOST}/v3/billdownload/file?token={token}"
    return {"hash_type": "SHA1", "hash_value": digest, "download_url": address}


@endpoint("/bill/tradebill")
def trade_bill(call: PayCall) -> Answer:
    """Nobody pays in this world, so there is no bill of payments."""
    raise PayError("NO_STATEMENT_EXIST")


@endpoint("/billdownload/file")
def download(call: PayCall) -> Answer:
    """The bill itself."""
    return Response(
        statements.fetch(call.world, request.args.get("token", "")), content_type="application/octet-stream"
    )


@endpoint("/certificates")
def certificates(call: PayCall) -> Answer:
    """Refused: this merchant verifies by the WeChat Pay public key."""
    raise PayError("SYSTEM_ERROR", "商户未开通平台证书")
