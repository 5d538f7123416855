"""Callbacks of WeChat Pay (回调通知): proved, handed to the outbox, acknowledged; nothing is moved here.

The same callback may come many times, also at once; whoever hears the event moves a payout only forward. Names and
openids stay behind: whether the openid is our payee's is compared here, the rest of the bill when the payout moves.
"""

from typing import TYPE_CHECKING

from flask import Response, request

from loyalty.gateways.pay_protocols import NoticeRefused, TransferNotice
from loyalty.kernel import outbox
from loyalty.kernel.database import Json
from loyalty.kernel.transaction import run
from loyalty.payouts.service.noticing import names_our_payee
from portal.callbacks.blueprint import blueprint, log, pay_refusal
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

BODY_BYTES_MAX = 64 * 1024
NOTICED = "payout.noticed"


@blueprint.post("/wechatpay")
def receive_notice() -> Response:
    """Take a callback about a transfer that ended; anything but 2xx makes WeChat Pay send it again."""
    request.max_content_length = BODY_BYTES_MAX
    pay, at = container().pay, container().clock.now()
    if pay is None:
        return pay_refusal("no merchant is configured", 404)
    try:
        notice = pay.read_notice(dict(request.headers), request.get_data(cache=False), at=at)
    except NoticeRefused as refused:
        log.warning("pay_notice_refused", reason=str(refused))
        return pay_refusal("the callback was not accepted", 401)
    run(container().database, lambda session: outbox.record(session, NOTICED, _told(session, notice), at=at))
    return Response(status=204)


def _told(session: "Session", notice: TransferNotice) -> Json:
    number, vault = notice.out_bill_no, container().vault
    return {
        "out_bill_no": notice.out_bill_no,
        "state": notice.state.value,
        "transfer_bill_no": notice.transfer_bill_no,
        "amount_fen": notice.amount_fen,
        "fail_reason": notice.fail_reason,
        "is_our_payee": names_our_payee(session, vault=vault, out_bill_no=number, openid=notice.openid),
    }
