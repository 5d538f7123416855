"""Notices (回调): what WeChat Pay says by itself once a bill has ended."""

from datetime import datetime
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.gateways.pay_protocols import TransferAnswer, TransferOutcome, TransferState
from loyalty.kernel.crypto import Vault
from loyalty.payouts.models import Payout
from loyalty.payouts.queries.payouts import find_id
from loyalty.payouts.rules.states import PayoutState
from loyalty.payouts.service.moving import Told, tell
from loyalty.payouts.service.requesting import find_order

log = structlog.get_logger("loyalty.payouts")


def names_our_payee(session: Session, *, vault: Vault, out_bill_no: str, openid: str) -> bool:
    """Tell whether a notice names whom we pay under its number; nothing is compared of strangers and the erased.

    Asked where the notice comes in, so that the openid goes no further.
    """
    payout = session.scalars(select(Payout).where(Payout.out_bill_no == out_bill_no)).first()
    order = None if payout is None else find_order(session, vault=vault, payout=payout)
    return order is None or order.openid == openid


def noticed(
    session: Session,
    *,
    out_bill_no: str,
    state: TransferState,
    transfer_bill_no: str,
    amount_fen: int,
    fail_reason: str | None,
    is_our_payee: bool,
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
    return tell(session, payout_id=payout_id, told=Told(answer, is_our_payee=is_our_payee), zone=zone, at=at)
