"""Electronic receipts of payouts (电子回单): asked for, and downloaded from WeChat Pay under the caller's name.

A receipt shows whom the brand paid by their real name, so taking one is audited, and no cache may keep it.
"""

from functools import partial

import structlog
from flask import flash, redirect, url_for
from werkzeug.wrappers import Response

from loyalty.kernel.errors import Conflict, NotFound, Unavailable
from loyalty.payouts.rules.errors import PayUnavailable
from loyalty.payouts.service.receipts import Desk, fetch_receipt, request_receipt
from loyalty.staff.rules import Permission
from portal.console import steps
from portal.console.access import actor, require_whole_chain, requires
from portal.console.blueprint import blueprint
from portal.context import container

log = structlog.get_logger("web")


@blueprint.post("/payouts/<int:payout_id>/receipt")
@requires(Permission.PAYOUTS_WRITE)
def request_payout_receipt(payout_id: int) -> Response:
    """Ask for the receipt of a payout."""
    require_whole_chain()
    return steps.take(
        partial(request_receipt, payout_id=payout_id), done="已申请电子回单，生成后可在此下载", back=_page_of(payout_id)
    )


@blueprint.post("/payouts/<int:payout_id>/receipt/download")
@requires(Permission.PAYOUTS_DECLARE)
def download_payout_receipt(payout_id: int) -> Response:
    """Download the receipt of a payout; who took it is audited."""
    require_whole_chain()
    try:
        file = fetch_receipt(_desk(), payout_id=payout_id, actor=actor())
    except (Conflict, NotFound, Unavailable) as error:
        log.warning(
            "receipt_not_fetched", payout_id=payout_id, error_code=error.code, reason=error.details.get("reason")
        )
        flash(error.message, "danger")
        return redirect(_page_of(payout_id), 303)
    response = Response(file.content, mimetype="application/pdf")
    response.headers["Content-Disposition"] = f'attachment; filename="payout-{payout_id}-receipt.pdf"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _desk() -> Desk:
    pay = container().pay
    if pay is None:
        raise PayUnavailable
    return Desk(container().database, pay, container().clock.now)


def _page_of(payout_id: int) -> str:
    return url_for("console.payout_page", payout_id=payout_id)
