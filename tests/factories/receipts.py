"""Payouts of which there can be a receipt: paid into a wallet, with the payee's name."""

from dataclasses import replace

from sqlalchemy.orm import Session

from loyalty.gateways.null_pay import NullWechatPay
from loyalty.gateways.pay_protocols import TransferState
from loyalty.kernel.database import Database
from loyalty.members import service as members
from loyalty.members.rules.consents import Purpose
from loyalty.members.rules.identities import Door
from loyalty.payouts.queries.payouts import PayoutView
from loyalty.payouts.service import payees
from loyalty.payouts.service.sending import drive
from tests.factories.payouts import PROGRAMME, STAFF, ask, configure, make_due, make_earner, make_sender, payout_of
from tests.support.containers import StandingClock
from tests.support.settings import VAULT

NAMED_FEN = 250_000


def arrive(
    session: Session, database: Database, pay: NullWechatPay, clock: StandingClock, *, amount_fen: int = NAMED_FEN
) -> PayoutView:
    """A payout that its member has confirmed."""
    at = clock.now()
    configure(session, programme=replace(PROGRAMME, approval_above_fen=1_000_000), at=at)
    earner = make_earner(session, available_fen=amount_fen)
    members.give_consent(
        session, member_id=earner.id, purpose=Purpose.PAYEE_IDENTITY, version="1.0", door=Door.H5, at=at
    )
    payees.save_payee(
        session, vault=VAULT, member_id=earner.id, name="王小明", id_number="11010519491231002X", actor=STAFF, at=at
    )
    payout = ask(session, earner, amount_fen, at=at)
    session.commit()
    sender = make_sender(database, pay, clock)
    drive(sender, payout_id=payout.id)
    pay.end(payout.out_bill_no, TransferState.SUCCESS)
    make_due(session, payout.id, at)
    session.commit()
    drive(sender, payout_id=payout.id)
    return payout_of(session, payout.id)
