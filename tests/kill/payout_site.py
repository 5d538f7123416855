"""An installation whose payouts are open, seen from both sides: what our books say, and what the platform's do."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import text

from loyalty.kernel.transaction import run
from loyalty.members.rules.identities import IdentityKind
from loyalty.payouts.queries.bills import list_discrepancies
from loyalty.payouts.queries.payouts import PayoutView, find_pause, list_payouts
from loyalty.payouts.rules.states import PayoutState
from loyalty.payouts.service import pausing
from loyalty.payouts.verification import verify
from tests.factories.earnings import assert_money_fits, figures, make_available
from tests.factories.members import make_identity, make_member
from tests.factories.payouts import STAFF, Earner, ask, payout_of
from tests.kill.conftest import BALANCE_FEN, Installation
from tests.kill.horses import Order, Stable
from tests.payouts.books import assert_no_create_without_a_query_between
from tests.support.pay_sandbox import MCH_ID
from tests.support.settings import MP_APPID

DUE, CANCEL_OVERDUE, RECONCILE = "take_due_payout_steps", "cancel_overdue_payouts", "reconcile_payouts"
EARNED_FEN = 300_000
_UNHELD = text("UPDATE outbox_events SET due_at = now(), dead_at = NULL")
_ENDS = ("SUCCESS", "FAIL", "CANCELLED")


@dataclass
class Person:
    """A member with money to withdraw, and the same person at the platform."""

    user_id: int
    earner: Earner


@dataclass
class PayoutSite:
    """What the proofs do with an installation, and how they compare the books."""

    installation: Installation
    stable: Stable
    people: list[Person] = field(default_factory=list)

    def enrol(self) -> Person:
        """Let somebody come who has earned something."""
        user = self.installation.person()

        def make(session: Any) -> Earner:
            member, openid = make_member(session), user["openids"][MP_APPID]
            make_identity(session, member=member, kind=IdentityKind.MINI_PROGRAM, appid=MP_APPID, openid=openid)
            make_available(session, member.id, EARNED_FEN, at=self.installation.now())
            return Earner(member.id, MP_APPID, openid)

        person = Person(user["id"], run(self.installation.database, make))
        self.people.append(person)
        return person

    def ask(self, person: Person, amount_fen: int) -> PayoutView:
        """Let a member ask for money, by a key that the platform's detector of double payments knows."""
        at = self.installation.now()
        payout = run(self.installation.database, lambda session: ask(session, person.earner, amount_fen, at=at))
        keys = {payout.out_bill_no: f"{person.earner.id}:{payout.key}"}
        self.installation.control("/pay/business-keys", {"keys": keys})
        return payout

    def payout(self, payout_id: int) -> PayoutView:
        return run(self.installation.database, lambda session: payout_of(session, payout_id))

    def bills(self, person: Person) -> list[dict[str, Any]]:
        """The bills of a person, as the platform has them."""
        told = self.installation.control(f"/users/{person.user_id}/transfers", method="GET")
        return list(told["items"])

    def confirm(self, person: Person, bill: dict[str, Any]) -> None:
        """Let a person take the money."""
        given = {"mchId": MCH_ID, "appId": bill["appid"], "package": bill["package_info"]}
        self.installation.control(f"/users/{person.user_id}/transfers/confirm", given)

    def let_wait(self, **parts: int) -> None:
        """Let time pass, and what the dead held be free."""
        self.installation.advance(int(timedelta(**parts).total_seconds()))
        run(self.installation.database, lambda session: session.execute(_UNHELD))

    def go_on(self) -> None:
        """Send again what waits for the merchant's money."""
        at = self.installation.now()

        def resume(session: Any) -> None:
            if find_pause(session) is not None:
                pausing.resume(session, actor=STAFF, at=at)

        run(self.installation.database, resume)

    def end_all(self, confirms: Callable[[], bool]) -> None:
        """Let workers live and time pass until everything has ended; people confirm what ``confirms`` says."""
        self.installation.control("/faults", method="DELETE")
        for _ in range(12):
            self.go_on()
            self.let_wait(hours=5)
            for order in (Order(job=DUE), Order(), Order(job=CANCEL_OVERDUE), Order()):
                self.stable.ride(order)
            for person in self.people:
                for bill in self.bills(person):
                    self._go_on_with(person, bill, confirms)
            if self._has_ended():
                break
        self.let_wait(days=1)
        for order in (Order(), Order(job=RECONCILE)):
            self.stable.ride(order)

    def _go_on_with(self, person: Person, bill: dict[str, Any], confirms: Callable[[], bool]) -> None:
        if bill["state"] == "WAIT_USER_CONFIRM" and confirms():
            self.confirm(person, bill)
        elif bill["state"] not in (*_ENDS, "WAIT_USER_CONFIRM", "CANCELING"):
            state = "SUCCESS" if bill["state"] == "TRANSFERING" else "WAIT_USER_CONFIRM"
            self.installation.control(f"/pay/transfers/{bill['out_bill_no']}/move", {"state": state})

    def _has_ended(self) -> bool:
        return bool(self.installation.value("SELECT count(*) = 0 FROM payouts WHERE settled_at IS NULL"))

    def assert_difference_is_zero(self) -> None:
        """Compare person by person: what was paid, what is left, and that no bill was risked twice; and all bills."""
        for person in self.people:
            bills = {bill["out_bill_no"]: bill for bill in self.bills(person)}
            run(self.installation.database, lambda session: _compare(session, person, bills))  # noqa: B023
        self._assert_bills_differ_in_nothing()

    def assert_no_money_is_missing(self, paid_fen: int) -> None:
        """Compare the merchant's account, and the bills of every day, with all that was paid."""
        self.let_wait(days=1)
        assert not self.stable.ride(Order(job=RECONCILE)).has_died
        book = self.installation.control("/pay/book", method="GET")
        assert BALANCE_FEN - book["balance_fen"] == paid_fen
        self._assert_bills_differ_in_nothing()
        paid_by_bills = "SELECT sum(paid_fen - returned_fen) FROM payout_bill_days"
        assert self.installation.value(paid_by_bills) == paid_fen

    def _assert_bills_differ_in_nothing(self) -> None:
        found = run(self.installation.database, list_discrepancies)
        assert [(one.reason, one.out_bill_no, one.our_fen) for one in found] == []

    def what_happened(self) -> set[str]:
        """All kinds of moves that payouts made."""
        kinds = "SELECT string_agg(DISTINCT what, ',') FROM payout_moves"
        return set(str(self.installation.value(kinds)).split(","))

    @property
    def paid_fen(self) -> int:
        """What arrived, by our own books."""
        paid = "SELECT coalesce(sum(net_fen), 0)::bigint FROM payouts WHERE state = 'success'"
        return int(self.installation.value(paid))


def _compare(session: Any, person: Person, bills: dict[str, dict[str, Any]]) -> None:
    views = list_payouts(session, member_id=person.earner.id, limit=100).items
    assert {view.state for view in views} <= {PayoutState.SUCCESS, PayoutState.RETURNED}, views
    ours = {view.out_bill_no: view.net_fen for view in views if view.state is PayoutState.SUCCESS}
    theirs = {number: bill["amount"] for number, bill in bills.items() if bill["state"] == "SUCCESS"}
    assert ours == theirs
    assert figures(session, person.earner.id) == (0, EARNED_FEN - sum(ours.values()), 0)
    assert [view.contradiction for view in views if view.contradiction] == []
    assert_money_fits(session, person.earner.id)
    assert verify(session, member_id=person.earner.id) == []
    for view in views:
        assert_no_create_without_a_query_between(session, view.id)
