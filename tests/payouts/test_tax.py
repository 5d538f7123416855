"""What is withheld of a payout, and the names and ID numbers that it is declared under."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from loyalty.gateways.pay_protocols import TransferState
from loyalty.kernel.crypto import Vault
from loyalty.members import service as members
from loyalty.members.rules.consents import Purpose
from loyalty.members.rules.identities import Door
from loyalty.payouts.queries.payees import find_payee_name
from loyalty.payouts.rules.errors import (
    InvalidPayee,
    PayeeConsentRequired,
    PayeeNameRequired,
    PayoutTaxNotConfigured,
)
from loyalty.payouts.rules.states import PayoutState
from loyalty.payouts.rules.tax import Bracket, IncomeKind, TaxPeriod, TaxTable
from loyalty.payouts.service import configuring, deciding, payees
from loyalty.payouts.service.sending import Sender, begin, drive
from loyalty.payouts.service.withholding import export
from loyalty.payouts.verification import verify
from tests.factories.check_ins import SHANGHAI
from tests.factories.earnings import figures
from tests.factories.pay_bank import Bank, Fault
from tests.factories.payouts import (
    PROGRAMME,
    STAFF,
    Earner,
    ask,
    configure,
    make_due,
    make_earner,
    payout_of,
)
from tests.support.containers import StandingClock
from tests.support.settings import VAULT
from tests.support.traces import traces_of

FLAT = TaxTable(TaxPeriod.PAYMENT, (Bracket(None, 20),))
ID_NUMBER = "11010519491231002X"
LAST_OF_MARCH = datetime(2026, 3, 31, 15, 30, tzinfo=UTC)
"""Half an hour before midnight in Shanghai."""
FIRST_OF_APRIL = LAST_OF_MARCH + timedelta(hours=1)


def tax_by(session: Session, table: TaxTable, at: datetime, *, from_on: date = date(2026, 1, 1)) -> None:
    configuring.save_tax_rate(
        session, income_kind=IncomeKind.LABOUR, table=table, live_from_on=from_on, actor=STAFF, at=at
    )


def name_payee(session: Session, earner: Earner, at: datetime) -> None:
    members.give_consent(
        session, member_id=earner.id, purpose=Purpose.PAYEE_IDENTITY, version="1.0", door=Door.H5, at=at
    )
    payees.save_payee(session, vault=VAULT, member_id=earner.id, name="王小明", id_number=ID_NUMBER, actor=STAFF, at=at)


def settled(session: Session, bank: Bank, sender: Sender, payout_id: int) -> None:
    """Let a payout arrive."""
    drive(sender, payout_id=payout_id)
    bank.end(payout_of(session, payout_id).out_bill_no, TransferState.SUCCESS)
    make_due(session, payout_id, sender.time_of_day())
    drive(sender, payout_id=payout_id)
    assert payout_of(session, payout_id).state is PayoutState.SUCCESS


class TestTax:
    def test_without_configuration_nothing_is_paid_where_it_is_required(
        self, session: Session, earner: Earner, at: datetime
    ) -> None:
        tax_by(session, FLAT, at, from_on=date(2026, 3, 11))
        name_payee(session, earner, at)

        with pytest.raises(PayoutTaxNotConfigured):
            ask(session, earner, is_tax_required=True)

        payout = ask(session, earner, 20_000, is_tax_required=True, at=at + timedelta(days=1))
        assert (payout.tax_fen, payout.net_fen) == (4_000, 16_000)

    def test_is_withheld_apart_and_comes_back_with_the_payout(
        self, session: Session, earner: Earner, bank: Bank, sender: Sender, at: datetime
    ) -> None:
        tax_by(session, FLAT, at)
        name_payee(session, earner, at)
        payout = ask(session, earner, 20_000)
        bank.faults.append(Fault.REFUSED)

        drive(sender, payout_id=payout.id)

        assert payout_of(session, payout.id).state is PayoutState.RETURNED
        assert figures(session, earner.id) == (0, 100_000, 0)
        assert verify(session, member_id=earner.id) == []

    def test_adds_up_over_the_month_and_forgets_what_came_back(self, session: Session, at: datetime) -> None:
        tax_by(session, TaxTable(TaxPeriod.MONTH, (Bracket(None, 20),), 400_000, 80_000, 20), at)
        configure(session, programme=replace(PROGRAMME, approval_above_fen=1_000_000))
        earner = make_earner(session, available_fen=500_000)
        name_payee(session, earner, at)

        first = ask(session, earner, 80_000)
        second = ask(session, earner, 50_000)
        deciding.cancel(session, payout_id=second.id, zone=SHANGHAI, actor=STAFF, at=at)
        third = ask(session, earner, 100_000)
        next_month = ask(session, earner, 60_000, at=at + timedelta(days=30))

        assert [one.tax_fen for one in (first, second, third, next_month)] == [0, 10_000, 20_000, 0]

    def test_export_names_each_person_once_and_is_audited(
        self, session: Session, earner: Earner, bank: Bank, sender: Sender, vault: Vault, at: datetime
    ) -> None:
        tax_by(session, FLAT, at)
        name_payee(session, earner, at)
        for amount_fen in (20_000, 30_000):
            settled(session, bank, sender, ask(session, earner, amount_fen).id)
        ask(session, earner, 10_000)

        (line,) = export(session, vault=vault, period="2026-03", zone=SHANGHAI, actor=STAFF, at=at)

        assert (line.name, line.id_number, line.payouts_count) == ("王小明", ID_NUMBER, 2)
        assert (line.gross_fen, line.tax_fen, line.net_fen) == (50_000, 10_000, 40_000)

    def test_is_declared_in_the_month_in_which_it_was_paid_by_the_day_in_shanghai(
        self,
        session: Session,
        earner: Earner,
        bank: Bank,
        sender: Sender,
        clock: StandingClock,
        vault: Vault,
        at: datetime,
    ) -> None:
        tax_by(session, FLAT, at)
        name_payee(session, earner, at)
        asked_in_march = ask(session, earner, 20_000, at=LAST_OF_MARCH)
        clock.at = LAST_OF_MARCH
        drive(sender, payout_id=asked_in_march.id)
        clock.at = FIRST_OF_APRIL

        settled(session, bank, sender, asked_in_march.id)

        periods = {
            month: [
                (line.period, line.gross_fen, line.tax_fen)
                for line in export(session, vault=vault, period=month, zone=SHANGHAI, actor=STAFF, at=at)
            ]
            for month in ("2026-03", "2026-04", "2026-05")
        }
        assert periods == {"2026-03": [], "2026-04": [("2026-04", 20_000, 4_000)], "2026-05": []}
        assert payout_of(session, asked_in_march.id).period == "2026-03", "its tax was reckoned with March"


class TestPayees:
    def test_have_to_be_known_wherever_tax_is_withheld_and_only_there(
        self, session: Session, earner: Earner, at: datetime
    ) -> None:
        tax_by(session, TaxTable(TaxPeriod.PAYMENT, (Bracket(None, 20),), 80_000, 80_000, 0), at)
        configure(session, programme=replace(PROGRAMME, approval_above_fen=1_000_000))
        assert ask(session, make_earner(session), 80_000).tax_fen == 0
        with pytest.raises(PayeeNameRequired):
            ask(session, earner, 80_100)
        assert figures(session, earner.id) == (0, 100_000, 0)
        members.give_consent(
            session, member_id=earner.id, purpose=Purpose.PAYEE_IDENTITY, version="1.0", door=Door.H5, at=at
        )
        with pytest.raises(PayeeNameRequired):
            ask(session, earner, 80_100)
        name_payee(session, earner, at)

        payout = ask(session, earner, 80_100)

        assert payout.tax_fen == 16_020
        begun = begin(session, vault=VAULT, payout_id=payout.id, at=at)
        assert begun is not None
        assert begun.order.payee_name is None, "WeChat Pay is told the name from ¥2,000 only"

    def test_whose_consent_was_withdrawn_count_as_unknown(self, session: Session, earner: Earner, at: datetime) -> None:
        tax_by(session, FLAT, at)
        name_payee(session, earner, at)
        members.withdraw_consent(
            session, member_id=earner.id, purpose=Purpose.PAYEE_IDENTITY, door=Door.H5, at=at + timedelta(minutes=1)
        )

        with pytest.raises(PayeeNameRequired):
            ask(session, earner)

    def test_are_kept_only_with_the_consent_to_it(
        self, session: Session, earner: Earner, vault: Vault, at: datetime
    ) -> None:
        with pytest.raises(PayeeConsentRequired):
            payees.save_payee(
                session, vault=vault, member_id=earner.id, name="王小明", id_number=ID_NUMBER, actor=STAFF, at=at
            )
        name_payee(session, earner, at)

        assert {table for table, _name in traces_of(session, {"id number": ID_NUMBER}, vault=vault)} == {"payees"}
        assert find_payee_name(session, vault=vault, member_id=earner.id) == "王小明"

    @pytest.mark.parametrize(
        ("name", "id_number"),
        [
            ("", ID_NUMBER),
            ("王1", ID_NUMBER),
            ("王小明", "110105194912310021"),
            ("王小明", "abc"),
            ("王\n明", ID_NUMBER),
        ],
    )
    def test_that_cannot_be_right_are_refused(
        self, session: Session, earner: Earner, vault: Vault, at: datetime, name: str, id_number: str
    ) -> None:
        name_payee(session, earner, at)

        with pytest.raises(InvalidPayee):
            payees.save_payee(
                session, vault=vault, member_id=earner.id, name=name, id_number=id_number, actor=STAFF, at=at
            )

    def test_are_named_to_wechat_pay_from_two_thousand_yuan(self, session: Session, at: datetime) -> None:
        configure(session, programme=replace(PROGRAMME, approval_above_fen=1_000_000))
        earner = make_earner(session, available_fen=500_000)
        small = ask(session, earner, 199_999)
        with pytest.raises(PayeeNameRequired):
            ask(session, earner, 200_000)
        name_payee(session, earner, at)
        large = ask(session, earner, 200_000)

        orders = [begin(session, vault=VAULT, payout_id=one.id, at=at) for one in (small, large)]

        assert [begun.order.payee_name if begun else "" for begun in orders] == [None, "王小明"]
