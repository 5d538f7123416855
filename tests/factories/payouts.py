"""Payouts for tests: the settings, a member with money, and steps with the clock in the test's hand."""

from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count

from sqlalchemy import text
from sqlalchemy.orm import Session

from loyalty.gateways.pay_protocols import TransferNotice, WechatPay
from loyalty.kernel.audit import Actor
from loyalty.kernel.clock import business_date
from loyalty.kernel.database import Database
from loyalty.payouts.queries.payouts import PayoutView, get_payout
from loyalty.payouts.rules.settings import PayoutProgramme, TransferScene
from loyalty.payouts.rules.tax import Bracket, TaxPeriod, TaxTable
from loyalty.payouts.service import configuring, requesting
from loyalty.payouts.service.noticing import names_our_payee, noticed
from loyalty.payouts.service.requesting import Wish
from loyalty.payouts.service.sending import Sender
from tests.factories.check_ins import SHANGHAI
from tests.factories.earnings import AT, make_available
from tests.factories.members import make_identity, make_member
from tests.support.containers import StandingClock
from tests.support.settings import VAULT

SCENE = TransferScene("1005", "佣金结算", "劳务报酬", (("岗位类型", "推广员"), ("报酬说明", "推广佣金")))
PROGRAMME = PayoutProgramme(minimum_fen=100, member_day_fen=1_000_000, day_fen=900_000_000, approval_above_fen=50_000)
STAFF = Actor("staff:901")
_keys = count(1)


@dataclass(frozen=True)
class Earner:
    """A member who can be paid."""

    id: int
    appid: str
    openid: str


def configure(session: Session, *, programme: PayoutProgramme = PROGRAMME, at: datetime = AT) -> None:
    """Open payouts."""
    configuring.save_programme(session, programme=programme, actor=STAFF, at=at)
    configuring.save_scene(session, scene=SCENE, actor=STAFF, at=at)


def tax_everything(session: Session, *, at: datetime = AT) -> None:
    """Let 20 % be withheld of every payout."""
    table, on = TaxTable(TaxPeriod.PAYMENT, (Bracket(None, 20),)), business_date(at, SHANGHAI)
    configuring.save_tax_rate(
        session, income_kind=PROGRAMME.income_kind, table=table, live_from_on=on, actor=STAFF, at=at
    )


def make_earner(session: Session, *, available_fen: int = 100_000) -> Earner:
    """A member with money and an identity to be paid to."""
    member = make_member(session)
    identity = make_identity(session, member=member)
    if available_fen:
        make_available(session, member.id, available_fen)
    return Earner(member.id, identity.appid, identity.openid)


def ask(
    session: Session,
    earner: Earner,
    amount_fen: int = 20_000,
    *,
    key: str = "",
    is_tax_required: bool = False,
    at: datetime = AT,
) -> PayoutView:
    """Ask for a payout as the member does."""
    wish = Wish(earner.id, amount_fen, earner.appid, earner.openid, key or f"key-{next(_keys)}")
    return requesting.request(
        session,
        vault=VAULT,
        wish=wish,
        is_tax_required=is_tax_required,
        zone=SHANGHAI,
        at=at,
        actor=Actor(f"member:{earner.id}"),
    )


def make_sender(database: Database, pay: WechatPay, clock: StandingClock) -> Sender:
    return Sender(database, pay, VAULT, SHANGHAI, clock.now)


def deliver(session: Session, notice: TransferNotice, *, at: datetime = AT, **changes: object) -> None:
    """Let a callback arrive."""
    notice = replace(notice, **changes)  # type: ignore[arg-type]
    noticed(
        session,
        out_bill_no=notice.out_bill_no,
        state=notice.state,
        transfer_bill_no=notice.transfer_bill_no,
        amount_fen=notice.amount_fen,
        fail_reason=notice.fail_reason,
        is_our_payee=names_our_payee(session, vault=VAULT, out_bill_no=notice.out_bill_no, openid=notice.openid),
        zone=SHANGHAI,
        at=at,
    )


def payout_of(session: Session, payout_id: int) -> PayoutView:
    return get_payout(session, payout_id=payout_id)


def make_due(session: Session, payout_id: int, at: datetime) -> None:
    """Let the next step be due, as if the time to it had passed."""
    session.execute(
        text("UPDATE payouts SET due_at = :at WHERE id = :id AND due_at IS NOT NULL"), {"at": at, "id": payout_id}
    )


def moves_of(session: Session, payout_id: int) -> list[str]:
    """What happened to a payout, in its order."""
    rows = session.execute(
        text("SELECT what, outcome FROM payout_moves WHERE payout_id = :id ORDER BY id"), {"id": payout_id}
    )
    return [row.what if row.outcome is None else f"{row.what}={row.outcome}" for row in rows]
