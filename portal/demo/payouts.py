"""Payouts of the demo chain (提现与打款): the settings, and what became of the promoter's withdrawals.

Those of the past never go to a platform: what it answered is told, and the bills of those days are kept with them, so
that the daily reconciliation finds nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from loyalty.container import Container
from loyalty.gateways.pay_protocols import BillLine, TransferAnswer, TransferOutcome, TransferState
from loyalty.kernel.audit import Actor
from loyalty.kernel.clock import business_date, end_of, start_of
from loyalty.kernel.database import Session
from loyalty.members.queries import current_text
from loyalty.members.rules.consents import Purpose
from loyalty.members.rules.identities import Door
from loyalty.members.service import give_consent
from loyalty.payouts.queries.configuration import find_programme
from loyalty.payouts.queries.payouts import PayoutView
from loyalty.payouts.rules.settings import PayoutProgramme, TransferScene
from loyalty.payouts.rules.states import PayoutState
from loyalty.payouts.rules.tax import Bracket, IncomeKind, TaxPeriod, TaxTable
from loyalty.payouts.service import bill_days, configuring, deciding, noticing, reconciling
from loyalty.payouts.service.exchanging import exchange
from loyalty.payouts.service.payees import save_payee
from loyalty.payouts.service.requesting import Wish, request
from loyalty.payouts.service.sending import begin, finish
from portal.demo.chain import ACTOR
from portal.demo.promoter import Guise, account_of

PROGRAMME = PayoutProgramme(minimum_fen=100, member_day_fen=200_000, points_per_yuan=100, batch_day=15)
SCENE = TransferScene("1005", "推广佣金", "劳务报酬", (("岗位类型", "推广员"), ("报酬说明", "好友消费佣金")))
LABOUR = TaxTable(
    TaxPeriod.PAYMENT,
    (Bracket(2_000_000, 20), Bracket(5_000_000, 30, 200_000), Bracket(None, 40, 700_000)),
    small_up_to_fen=400_000,
    small_deduction_fen=80_000,
    deduction_percent=20,
)
"""劳务报酬预扣: ¥800 are deducted up to ¥4,000, 20 % above, then 20, 30 and 40 % (国家税务总局公告 2018 年第 61 号)."""
PRIZES = TaxTable(TaxPeriod.PAYMENT, (Bracket(None, 20),))
"""偶然所得: 20 % without deduction."""


@dataclass(frozen=True, slots=True)
class Past:
    """One withdrawal: how many days ago, how much, how it ended, and why if not well."""

    days_ago: int
    amount_fen: int
    state: TransferState
    fail_reason: str | None = None
    ended_after: timedelta = timedelta(minutes=20)


PAST = (
    Past(6, 100_000, TransferState.SUCCESS),
    Past(5, 3_000, TransferState.FAIL, "OVERDUE_CLOSE", timedelta(hours=24)),
    Past(3, 2_000, TransferState.CANCELLED),
    Past(3, 2_600, TransferState.FAIL, "ACCOUNT_FROZEN"),
    Past(2, 5_000, TransferState.SUCCESS),
)
PAYEE_NAME, PAYEE_ID_NUMBER = "陆小鹿", "11010519491231002X"
"""Nobody's: the number with which GB 11643 explains itself."""
REJECTED_FEN, EXCHANGED_FEN, WAITING_FEN, LIVE_FEN = 25_000, 1_000, 22_000, 880


def seed_payout_settings(session: Session, *, container: Container, at: datetime) -> bool:
    """Open payouts with a scene and tax tables, where they were never open."""
    if find_programme(session) is not None:
        return False
    configuring.save_programme(session, programme=PROGRAMME, actor=ACTOR, at=at)
    configuring.save_scene(session, scene=SCENE, actor=ACTOR, at=at)
    on = business_date(at, container.zone)
    for income_kind, table in ((IncomeKind.LABOUR, LABOUR), (IncomeKind.OCCASIONAL, PRIZES)):
        configuring.save_tax_rate(session, income_kind=income_kind, table=table, live_from_on=on, actor=ACTOR, at=at)
    return True


@dataclass(frozen=True, slots=True)
class Purse:
    """Whose withdrawals are seeded, and who approves them."""

    session: Session
    container: Container
    member_id: int
    guise: Guise
    approver: Actor

    def withdraw(self, amount_fen: int, key: str, *, at: datetime) -> PayoutView:
        """Ask for money as the member does."""
        appid, _kind = account_of(self.container)
        return request(
            self.session,
            vault=self.container.vault,
            wish=Wish(self.member_id, amount_fen, appid, self.guise.openid, f"demo:{key}"),
            is_tax_required=True,
            zone=self.container.zone,
            at=at,
            actor=Actor(f"member:{self.member_id}"),
        )

    def decide(self, payout: PayoutView, *, is_approved: bool, at: datetime) -> None:
        """Let the approver decide what waits for it."""
        if payout.state is PayoutState.AWAITING_APPROVAL:
            deciding.decide(
                self.session,
                payout_id=payout.id,
                is_approved=is_approved,
                zone=self.container.zone,
                actor=self.approver,
                at=at,
            )


def live_through_payouts(purse: Purse, *, at: datetime) -> None:
    """Let the withdrawals of the past happen, with the platform's bill of every day since."""
    _name_payee(purse, at=at - timedelta(days=PAST[0].days_ago + 1))
    lines: list[BillLine] = []
    for number, past in enumerate(PAST, start=1):
        asked_at = start_of(business_date(at, purse.container.zone), purse.container.zone)
        asked_at += timedelta(hours=9 + number) - timedelta(days=past.days_ago)
        payout = purse.withdraw(past.amount_fen, str(number), at=asked_at)
        purse.decide(payout, is_approved=True, at=asked_at)
        lines += _come_to_its_end(purse, payout, past, number, lines, asked_at)
    _read_bills(purse, lines, until=at)


def _name_payee(purse: Purse, *, at: datetime) -> None:
    """Let the promoter say who is paid: tax is withheld of the first withdrawal."""
    session, member_id, purpose = purse.session, purse.member_id, Purpose.PAYEE_IDENTITY
    version = current_text(session, purpose=purpose).version
    give_consent(session, member_id=member_id, purpose=purpose, version=version, door=Door.MINI_PROGRAM, at=at)
    save_payee(
        session,
        vault=purse.container.vault,
        member_id=member_id,
        name=PAYEE_NAME,
        id_number=PAYEE_ID_NUMBER,
        actor=Actor(f"member:{member_id}"),
        at=at,
    )


def leave_open(purse: Purse, *, is_known_at_the_platform: bool, at: datetime) -> None:
    """End with what people may still look at: one that was rejected, points, one to approve, one on its way."""
    rejected = purse.withdraw(REJECTED_FEN, "rejected", at=at)
    purse.decide(rejected, is_approved=False, at=at)
    exchange(
        purse.session,
        vault=purse.container.vault,
        member_id=purse.member_id,
        amount_fen=EXCHANGED_FEN,
        key="demo:points",
        zone=purse.container.zone,
        at=at,
        actor=Actor(f"member:{purse.member_id}"),
    )
    purse.withdraw(WAITING_FEN, "waiting", at=at)
    if is_known_at_the_platform:
        purse.withdraw(LIVE_FEN, "live", at=at)


def _come_to_its_end(
    purse: Purse, payout: PayoutView, past: Past, number: int, before: list[BillLine], asked_at: datetime
) -> list[BillLine]:
    """Send it, let WeChat Pay tell what became of it, and return what its bills say."""
    session, container = purse.session, purse.container
    sent_at, ended_at = asked_at + timedelta(minutes=1), asked_at + past.ended_after
    transfer_bill_no = f"1330{number:034d}"
    begun = begin(session, vault=container.vault, payout_id=payout.id, at=sent_at)
    assert begun is not None, "it was just approved"
    offered = TransferAnswer(
        TransferOutcome.TOLD, TransferState.WAIT_USER_CONFIRM, transfer_bill_no, f"demo-package-{number}"
    )
    finish(session, begun=begun, answer=offered, zone=container.zone, at=sent_at)
    lines = [BillLine(payout.out_bill_no, transfer_bill_no, payout.net_fen, sent_at, is_return=False)]
    # A bill is read on the morning after its day: what ended later is not in it.
    _read_bills(purse, before + lines, until=ended_at)
    noticing.noticed(
        session,
        out_bill_no=payout.out_bill_no,
        state=past.state,
        transfer_bill_no=transfer_bill_no,
        amount_fen=payout.net_fen,
        fail_reason=past.fail_reason,
        is_our_payee=True,
        zone=container.zone,
        at=ended_at,
    )
    if past.state is not TransferState.SUCCESS:
        lines.append(BillLine(payout.out_bill_no, transfer_bill_no, payout.net_fen, ended_at, is_return=True))
    return lines


def _read_bills(purse: Purse, lines: list[BillLine], *, until: datetime) -> None:
    zone = purse.container.zone
    yesterday = business_date(until, zone) - timedelta(days=1)
    for on in bill_days.missing_days(purse.session, until=yesterday, zone=zone):
        of_day = [line for line in lines if business_date(line.booked_at, zone) == on]
        read_at = end_of(on, zone) + timedelta(hours=10)
        reconciling.reconcile(purse.session, on=on, lines=of_day, zone=zone, at=read_at)
