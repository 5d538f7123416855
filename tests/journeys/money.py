"""Purchases and commissions of a running system: what no phone does, through its services and jobs."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs import commissions
from jobs.periodic import PeriodicRun
from loyalty.checkout.service import purchase, refund
from loyalty.commissions.rules.plan import Plan, Rate
from loyalty.commissions.service import plans
from loyalty.container import Container, build
from loyalty.kernel.audit import Actor
from loyalty.kernel.clock import business_date
from loyalty.kernel.timetable import Slot
from loyalty.kernel.transaction import run
from loyalty.members.models import Identity, Member
from loyalty.orders.rules import Line, Purchase, RefundLine, RefundReport
from loyalty.referrals.queries.programmes import current_programme
from loyalty.referrals.service import programmes
from loyalty.risk.rules.defaults import DEFAULT_RULES
from loyalty.risk.rules.signals import Fact, Signal
from loyalty.risk.service import save_rules
from loyalty.settings import Settings
from loyalty.stores.models import Store
from tests.browser.system import System

MARKETER = Actor("staff:1")
TEN_PERCENT = Rate(basis_points=1_000)
_COMMON = {Signal.ENROLMENTS_PER_IP, Fact.SAME_IP_MEMBERS, Fact.SECONDS_SINCE_ENROLMENT}
_orders = count(1)


@dataclass(frozen=True)
class Books:
    """The database and the clock of a running system."""

    container: Container

    def set_plan(self) -> None:
        """Let purchases from now on earn who invited the buyer ten percent, at once."""
        at = self.container.clock.now()
        plan = Plan("好友消费佣金", (TEN_PERCENT,), pending_days=0)

        def publish(session: Session) -> None:
            plans.save_draft(session, plan=plan, actor=MARKETER, at=at)
            plans.publish(session, actor=MARKETER, at=at)

        run(self.container.database, publish)

    def trust_this_computer(self) -> None:
        """Let risk look at once, and not at what all phones of a journey have in common: the address, and the hurry."""
        at = self.container.clock.now()

        def publish(session: Session) -> None:
            kept = [rule for rule in DEFAULT_RULES if not _COMMON & {one.measured for one in rule.conditions}]
            save_rules(session, rules=kept, actor=MARKETER, at=at)
            current = current_programme(session)
            assert current is not None
            programmes.save_draft(session, programme=replace(current.programme, wait_hours=0), actor=MARKETER, at=at)
            programmes.publish(session, acknowledged_text=current.acknowledged_text, actor=MARKETER, at=at)

        run(self.container.database, publish)

    def knows_unionid(self, openid: str) -> bool:
        """Tell whether it was asked which person a follower is, which happens behind the page."""
        known = select(Identity.unionid).where(Identity.openid == openid)
        return run(self.container.database, lambda session: session.scalar(known)) is not None

    def buy(self, member_number: str, amount_fen: int) -> str:
        """Let a till report what a member bought; return the number of the order."""
        at, order_number = self.container.clock.now(), f"JOURNEY-{next(_orders)}"

        def report(session: Session) -> None:
            member_id = session.scalars(select(Member.id).where(Member.number == member_number)).one()
            store_id = session.scalars(select(Store.id).where(Store.code == "SH-JAS")).one()
            lines = (Line(1, "TEA", "茶叶", 1, amount_fen),)
            bought = Purchase("pos:journey", order_number, member_id, store_id, "pos", at, lines)
            purchase(session, self.container.vault, purchase=bought, at=at, zone=self.container.zone)

        run(self.container.database, report)
        return order_number

    def give_back(self, order_number: str, amount_fen: int) -> None:
        """Let the till report that all of an order came back."""
        at = self.container.clock.now()
        report = RefundReport("pos:journey", f"{order_number}-R", order_number, at, (RefundLine(1, 1, amount_fen),))
        run(self.container.database, lambda session: refund(session, refund=report, at=at, zone=self.container.zone))

    def settle_commissions(self) -> None:
        """Do what the schedule does every few minutes."""
        for job in (commissions.accrue_commissions, commissions.approve_commissions):
            job(self._run())

    def _run(self) -> PeriodicRun:
        on = business_date(self.container.clock.now(), self.container.zone)
        return PeriodicRun(self.container, job="journey", slot=Slot("journey", on))


@contextmanager
def books_of(system: System) -> Iterator[Books]:
    """Open the books of a running system."""
    container = build(Settings.from_environment(dict(system.settings)))
    yield Books(container)
    container.database.engine.dispose()
