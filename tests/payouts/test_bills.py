"""The platform's daily bill against our payouts: every difference is found, once."""

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from loyalty.gateways.pay_protocols import BillLine, TransferState
from loyalty.payouts.models import Payout
from loyalty.payouts.queries.bills import list_bill_days, list_discrepancies
from loyalty.payouts.rules.states import ReturnReason
from loyalty.payouts.service.bill_days import go_without, missing_days
from loyalty.payouts.service.reconciling import reconcile, settle_discrepancy
from loyalty.payouts.service.sending import Sender, drive
from tests.factories.check_ins import SHANGHAI
from tests.factories.pay_bank import Bank, Fault
from tests.factories.payouts import STAFF, Earner, ask, make_due, payout_of

TODAY = date(2026, 3, 10)
YESTERDAY = TODAY - timedelta(days=1)


@pytest.fixture
def paid(session: Session, earner: Earner, bank: Bank, sender: Sender) -> str:
    """The number of a payout that arrived."""
    return ended(session, earner, bank, sender, TransferState.SUCCESS)


@pytest.fixture
def returned(session: Session, earner: Earner, bank: Bank, sender: Sender) -> str:
    """The number of a payout that came back."""
    return ended(session, earner, bank, sender, TransferState.FAIL)


def ended(session: Session, earner: Earner, bank: Bank, sender: Sender, state: TransferState) -> str:
    payout = ask(session, earner)
    drive(sender, payout_id=payout.id)
    bank.end(payout.out_bill_no, state)
    make_due(session, payout.id, sender.time_of_day())
    drive(sender, payout_id=payout.id)
    assert payout_of(session, payout.id).settled_at is not None
    return payout.out_bill_no


def line(out_bill_no: str, at: datetime, *, amount_fen: int = 20_000, is_return: bool = False) -> BillLine:
    return BillLine(out_bill_no, f"t{out_bill_no}", amount_fen, at, is_return)


def reasons(session: Session, lines: list[BillLine], at: datetime, *, on: date = TODAY) -> list[str]:
    return [each.reason for each in reconcile(session, on=on, lines=lines, zone=SHANGHAI, at=at)]


def test_a_bill_that_says_what_we_say_differs_in_nothing(
    session: Session, paid: str, returned: str, at: datetime
) -> None:
    lines = [line(paid, at), line(returned, at), line(returned, at, is_return=True)]

    assert reasons(session, lines, at) == []
    assert reasons(session, [line("stranger", at)], at) == []  # the day is read once


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (lambda paid, returned, at: [line("stranger", at), line(paid, at)], ["unknown_bill"]),
        (lambda paid, returned, at: [line(paid, at, amount_fen=1)], ["amount_differs"]),
        (lambda paid, returned, at: [line(paid, at), line(paid, at)], ["paid_twice"]),
        (lambda paid, returned, at: [line(paid, at), line(paid, at, is_return=True)], ["success_but_returned"]),
        (lambda paid, returned, at: [line(paid, at), line(returned, at)], ["returned_but_paid"]),
        (lambda paid, returned, at: [], ["not_in_bill"]),
    ],
)  # fmt: skip
def test_every_difference_is_named_once(  # type: ignore[no-untyped-def]
    session: Session, paid: str, returned: str, at: datetime, lines, expected: list[str]
) -> None:
    assert reasons(session, lines(paid, returned, at), at) == expected

    (found,) = list_discrepancies(session)
    assert found.reason == expected[0]
    for _ in range(2):
        settle_discrepancy(session, discrepancy_id=found.id, actor=STAFF, at=at)
    assert list_discrepancies(session) == []


def test_money_that_left_and_came_back_on_another_day_is_seen_whole(
    session: Session, returned: str, at: datetime
) -> None:
    tomorrow = at + timedelta(days=1)

    assert reasons(session, [line(returned, at)], at) == ["returned_but_paid"]
    assert reasons(session, [line(returned, tomorrow, is_return=True)], at, on=TODAY + timedelta(days=1)) == []


def test_money_that_came_back_after_the_day_of_a_bill_that_is_read_late_is_no_difference(
    session: Session, returned: str, at: datetime
) -> None:
    yesterday = at - timedelta(days=1)

    assert reasons(session, [line(returned, yesterday)], at, on=TODAY - timedelta(days=1)) == []
    assert reasons(session, [line(returned, at, is_return=True)], at) == []


def test_money_that_no_bill_brought_back_is_told_by_the_bill_of_the_day_on_which_it_should_have(
    session: Session, returned: str, at: datetime
) -> None:
    yesterday = at - timedelta(days=1)

    assert reasons(session, [line(returned, yesterday)], at, on=TODAY - timedelta(days=1)) == []
    assert reasons(session, [], at) == ["returned_but_paid"]


class TestMissingBills:
    """A day without movement never has a bill; one of a day on which our money moved may be late, and has to come."""

    def go(self, session: Session, at: datetime, *, days_later: int, on: date = TODAY) -> list[str] | None:
        found = go_without(session, on=on, today=on + timedelta(days=days_later), zone=SHANGHAI, at=at)
        return None if found is None else [each.reason for each in found]

    def test_is_waited_for_and_then_told_once_and_still_asked_for(
        self, session: Session, paid: str, at: datetime
    ) -> None:
        assert self.go(session, at, days_later=3) is None, "those of later days wait for it"
        assert self.go(session, at, days_later=4) == ["bill_missing"]
        assert self.go(session, at, days_later=5) == []

        (found,) = list_discrepancies(session)
        assert (found.out_bill_no, found.our_fen, found.found_on) == ("2026-03-10", 20_000, TODAY)
        assert missing_days(session, until=TODAY, zone=SHANGHAI) == [TODAY]

    def test_is_settled_by_coming_after_all(self, session: Session, paid: str, at: datetime) -> None:
        self.go(session, at, days_later=4)

        assert reasons(session, [line(paid, at)], at) == []

        assert list_discrepancies(session) == []
        assert missing_days(session, until=TODAY, zone=SHANGHAI) == []

    def test_of_a_quiet_day_keeps_nobody_waiting_and_is_believed_in_the_end(
        self, session: Session, paid: str, at: datetime
    ) -> None:
        reconcile(session, on=TODAY, lines=[line(paid, at)], zone=SHANGHAI, at=at)
        quiet = TODAY + timedelta(days=1)

        assert self.go(session, at, days_later=3, on=quiet) == []
        assert missing_days(session, until=quiet, zone=SHANGHAI) == [quiet], "it may still come"
        assert self.go(session, at, days_later=4, on=quiet) == []

        assert missing_days(session, until=quiet, zone=SHANGHAI) == []
        assert [(day.bill_on, day.has_bill) for day in list_bill_days(session)] == [(quiet, False), (TODAY, True)]
        assert list_discrepancies(session) == []

    def test_of_a_day_on_which_nothing_came_into_being_at_the_platform_is_no_trouble(
        self, session: Session, earner: Earner, bank: Bank, sender: Sender, at: datetime
    ) -> None:
        payout = ask(session, earner)
        bank.faults.append(Fault.REFUSED)
        drive(sender, payout_id=payout.id)
        assert payout_of(session, payout.id).return_reason is ReturnReason.REFUSED

        assert self.go(session, at, days_later=4) == []
        assert list_discrepancies(session) == []

    def test_of_a_day_on_which_it_was_only_tried_is_waited_for_and_never_said_to_be_missing(
        self, session: Session, paid: str, at: datetime
    ) -> None:
        """What the platform did not take in the evening, since the account was short, it takes the next day."""
        self.was_sent_yesterday(session)

        assert self.go(session, at, days_later=3, on=YESTERDAY) is None
        assert self.go(session, at, days_later=4, on=YESTERDAY) == []
        assert YESTERDAY in missing_days(session, until=TODAY, zone=SHANGHAI), "it may still come"

        assert reasons(session, [line(paid, at)], at) == []
        assert self.go(session, at, days_later=5, on=YESTERDAY) == []
        assert missing_days(session, until=TODAY, zone=SHANGHAI) == [], "the other bill tells of it"

    def test_is_missing_where_no_bill_of_the_later_days_on_which_it_may_have_moved_tells_of_it(
        self, session: Session, paid: str, at: datetime
    ) -> None:
        self.was_sent_yesterday(session)
        assert self.go(session, at, days_later=4, on=YESTERDAY) == []

        assert reasons(session, [], at) == ["not_in_bill"]

        assert self.go(session, at, days_later=5, on=YESTERDAY) == ["bill_missing"]

    def test_of_both_days_on_which_it_may_have_moved_is_told_once_of_the_later(
        self, session: Session, paid: str, at: datetime
    ) -> None:
        self.was_sent_yesterday(session)

        assert self.go(session, at, days_later=4, on=YESTERDAY) == []
        assert self.go(session, at, days_later=3) is None
        assert self.go(session, at, days_later=4) == ["bill_missing"]
        assert self.go(session, at, days_later=6, on=YESTERDAY) == []

        assert [found.found_on for found in list_discrepancies(session)] == [TODAY]

    def test_of_the_day_on_which_we_heard_of_a_return_is_no_trouble_once_another_bill_tells_of_it(
        self, session: Session, returned: str, at: datetime
    ) -> None:
        """It came back late in the evening, and we asked after midnight."""
        session.execute(update(Payout).values(settled_at=Payout.settled_at + timedelta(days=1)))
        tomorrow = TODAY + timedelta(days=1)

        assert self.go(session, at, days_later=3, on=tomorrow) is None
        assert reasons(session, [line(returned, at), line(returned, at, is_return=True)], at) == []
        assert self.go(session, at, days_later=4, on=tomorrow) == []

        assert list_discrepancies(session) == []
        assert missing_days(session, until=tomorrow, zone=SHANGHAI) == []

    def test_of_the_day_on_which_we_heard_of_a_return_is_missing_where_no_bill_tells_of_it(
        self, session: Session, returned: str, at: datetime
    ) -> None:
        session.execute(update(Payout).values(settled_at=Payout.settled_at + timedelta(days=1)))
        tomorrow = TODAY + timedelta(days=1)

        assert reasons(session, [line(returned, at)], at) == []
        assert self.go(session, at, days_later=4, on=tomorrow) == ["bill_missing"]

    def test_of_a_day_on_which_a_bill_failed_of_which_perhaps_no_money_had_left_is_never_said_to_be_missing(
        self, session: Session, returned: str, at: datetime
    ) -> None:
        session.execute(update(Payout).values(offered_at=None))

        assert self.go(session, at, days_later=3) is None
        assert self.go(session, at, days_later=4) == []
        assert list_discrepancies(session) == []

    def test_of_a_day_on_which_the_platform_may_have_taken_what_it_has_not_answered_is_not_believed_to_be_quiet(
        self, session: Session, earner: Earner, bank: Bank, sender: Sender, at: datetime
    ) -> None:
        payout = ask(session, earner)
        bank.faults.append(Fault.DROP_AFTER)
        drive(sender, payout_id=payout.id)
        assert payout_of(session, payout.id).transfer_bill_no is None

        assert self.go(session, at, days_later=4) == []
        assert TODAY in missing_days(session, until=TODAY, zone=SHANGHAI)

    def was_sent_yesterday(self, session: Session) -> None:
        session.execute(update(Payout).values(sent_at=Payout.sent_at - timedelta(days=1)))


def test_days_are_missing_from_the_first_payout_on_until_they_are_read(
    session: Session, paid: str, at: datetime
) -> None:
    until = TODAY + timedelta(days=2)
    assert missing_days(session, until=until, zone=SHANGHAI) == [TODAY + timedelta(days=day) for day in range(3)]

    reconcile(session, on=TODAY, lines=[line(paid, at)], zone=SHANGHAI, at=at)

    assert len(missing_days(session, until=until, zone=SHANGHAI)) == 2
