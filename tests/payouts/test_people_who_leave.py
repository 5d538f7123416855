"""Merging, closing and erasing members who have money, or to whom money is on its way."""

from datetime import datetime

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from loyalty.gateways.pay_protocols import TransferState
from loyalty.kernel.audit import Actor
from loyalty.kernel.crypto import Vault
from loyalty.members.models import Member
from loyalty.merging.service import merge
from loyalty.payouts.queries.payouts import list_payouts
from loyalty.payouts.rules.errors import PayoutOpen
from loyalty.payouts.rules.states import PayoutState
from loyalty.payouts.service.sending import Sender, drive
from loyalty.payouts.verification import verify
from loyalty.privacy.rules import WAITING_PERIOD
from loyalty.privacy.service import ask_to_close, erase_due
from tests.factories.earnings import assert_money_fits, figures
from tests.factories.members import make_member
from tests.factories.pay_bank import Bank
from tests.factories.payouts import Earner, ask, make_due, payout_of
from tests.support.traces import traces_of


@pytest.mark.parametrize(("end", "left_fen"), [(TransferState.SUCCESS, 80_000), (TransferState.FAIL, 100_000)])
def test_a_merge_amid_a_payout_lets_it_end_for_the_survivor(
    session: Session, earner: Earner, bank: Bank, sender: Sender, at: datetime, end: TransferState, left_fen: int
) -> None:
    survivor_id, payout = make_member(session).id, ask(session, earner)
    drive(sender, payout_id=payout.id)
    merge(session, survivor_id=survivor_id, other_id=earner.id, actor=Actor("system:tests"), at=at)

    bank.end(payout.out_bill_no, end)
    make_due(session, payout.id, at)
    drive(sender, payout_id=payout.id)

    assert figures(session, earner.id) == (0, 0, 0)
    assert figures(session, survivor_id) == (0, left_fen, 0)
    assert [view.id for view in list_payouts(session, member_id=survivor_id).items] == [payout.id]
    for member_id in (earner.id, survivor_id):
        assert_money_fits(session, member_id)
    assert verify(session) == []


def test_closing_waits_for_money_on_its_way(
    session: Session, earner: Earner, bank: Bank, sender: Sender, at: datetime
) -> None:
    payout = ask(session, earner)

    with pytest.raises(PayoutOpen):
        ask_to_close(session, member_id=earner.id, at=at)

    drive(sender, payout_id=payout.id)
    bank.end(payout.out_bill_no, TransferState.SUCCESS)
    make_due(session, payout.id, at)
    drive(sender, payout_id=payout.id)
    ask_to_close(session, member_id=earner.id, at=at)


def test_who_closes_can_still_withdraw_and_is_erased_once_that_has_ended(
    session: Session, earner: Earner, bank: Bank, sender: Sender, vault: Vault, at: datetime
) -> None:
    ask_to_close(session, member_id=earner.id, at=at)
    payout = ask(session, earner)
    drive(sender, payout_id=payout.id)
    later = at + WAITING_PERIOD

    assert erase_due(session, vault=vault, at=later) == 0
    bank.end(payout.out_bill_no, TransferState.SUCCESS)
    make_due(session, payout.id, at)
    drive(sender, payout_id=payout.id)
    assert payout_of(session, payout.id).state is PayoutState.SUCCESS
    assert erase_due(session, vault=vault, at=later) == 1

    assert session.get_one(Member, earner.id).status == "closed"
    assert figures(session, earner.id) == (0, 0, 0)
    assert_money_fits(session, earner.id)
    assert verify(session, member_id=earner.id) == []
    assert traces_of(session, {"openid": earner.openid}, vault=vault) == set()
    assert session.scalar(text("SELECT count(*) FROM payouts WHERE member_id = :id"), {"id": earner.id}) == 1
