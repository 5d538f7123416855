"""Notices (回调): what WeChat Pay says by itself once a bill has ended."""

from datetime import datetime
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy.orm import Session

from loyalty.gateways.pay_protocols import TransferAnswer, TransferOutcome, TransferState
from loyalty.payouts.queries.payouts import find_id
from loyalty.payouts.rules.states import PayoutState
from loyalty.payouts.service.moving import Told, tell

log = structlog.get_logger("loyalty.payouts")


def noticed(
    session: Session,
    *,
    out_bill_no: str,
    state: TransferState,
    transfer_bill_no: str,
    amount_fen: int,
    fail_reason: str | None,
    zone: ZoneInfo,
    at: datetime,
) -> PayoutState | None:
    """Move the payout that a verified notice is about; doubled and late notices change nothing.

    A number that is not ours is logged: another system may share the merchant account.
    """
    payout_id = find_id(session, out_bill_no=out_bill_no)
    if payout_id is None:
        log.error("payout_notice_of_stranger", out_bill_no=out_bill_no)
        return None
    answer = TransferAnswer(
        TransferOutcome.TOLD,
        state=state,
        transfer_bill_no=transfer_bill_no,
        amount_fen=amount_fen,
        fail_reason=fail_reason,
    )
    return tell(session, payout_id=payout_id, told=Told(answer), zone=zone, at=at)
