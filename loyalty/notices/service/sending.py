"""Sending: a claim in one transaction, the call to WeChat outside any, the outcome in another."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from loyalty.gateways.answers import SendOutcome, SendReason, SendState
from loyalty.gateways.protocols import MiniProgram, OfficialAccount
from loyalty.kernel.database import Database
from loyalty.kernel.transaction import run
from loyalty.notices import queries
from loyalty.notices.rules import POLICY, Channel, SendAgainLater
from loyalty.notices.service.claiming import Claim, claim_next, claim_stale
from loyalty.notices.service.settling import Verdict, queue_again, settle

STALE_PAGE = 100
_NO_ACCOUNT = SendOutcome(SendState.FAILED_FINAL, reason=SendReason.NOT_PERMITTED, detail="no such account")


@dataclass(frozen=True, slots=True)
class Accounts:
    """Our accounts at WeChat by appid."""

    official_accounts: Mapping[str, OfficialAccount]
    mini_programs: Mapping[str, MiniProgram]


def send(database: Database, *, accounts: Accounts, notice_id: int, zone: ZoneInfo, at: datetime) -> None:
    """Send a notice over the first way that works; call it outside any transaction.

    Raises:
        SendAgainLater: WeChat is busy; the same notice may be tried again.
        DatabaseUnavailable: the outcome may be unwritten; the delivery is settled when stale.
    """
    while True:
        claim = run(database, lambda session: claim_next(session, notice_id=notice_id, zone=zone, at=at))
        if claim is None:
            return
        verdict = _attempt(database, accounts, claim, at)
        if verdict is Verdict.AGAIN_LATER:
            raise SendAgainLater(notice_id=notice_id)
        if verdict is Verdict.DONE:
            return


def resolve_stale(database: Database, *, accounts: Accounts, zone: ZoneInfo, at: datetime) -> int:
    """Settle attempts whose worker died or whose answer was lost; return how many were looked at."""
    before = at - POLICY.stale_after
    stale = run(database, lambda session: queries.list_stale_deliveries(session, before=before, limit=STALE_PAGE))
    for delivery_id in stale:
        _resolve(database, accounts, delivery_id, zone, at)
    return len(stale)


def _resolve(database: Database, accounts: Accounts, delivery_id: int, zone: ZoneInfo, at: datetime) -> None:
    claim = run(database, lambda session: claim_stale(session, delivery_id=delivery_id, zone=zone, at=at))
    if claim is not None and _attempt(database, accounts, claim, at) is not Verdict.DONE:
        run(database, lambda session: queue_again(session, delivery_id=delivery_id, at=at))


def _attempt(database: Database, accounts: Accounts, claim: Claim, at: datetime) -> Verdict:
    outcome = _call(accounts, claim)
    return run(database, lambda session: settle(session, delivery_id=claim.delivery_id, outcome=outcome, at=at))


def _call(accounts: Accounts, claim: Claim) -> SendOutcome:
    if claim.channel is Channel.TEMPLATE:
        return _send_template(accounts.official_accounts.get(claim.appid), claim)
    return _send_subscription(accounts.mini_programs.get(claim.appid), claim)


def _send_template(account: OfficialAccount | None, claim: Claim) -> SendOutcome:
    if account is None:
        return _NO_ACCOUNT
    return account.send_template(
        openid=claim.openid,
        template_id=claim.message.template_id,
        data=claim.message.data,
        client_msg_id=claim.client_msg_id,
        url=claim.message.url,
        mini_program=claim.message.mini_program,
    )


def _send_subscription(account: MiniProgram | None, claim: Claim) -> SendOutcome:
    if account is None:
        return _NO_ACCOUNT
    return account.send_subscription(
        openid=claim.openid,
        template_id=claim.message.template_id,
        data=claim.message.data,
        page=claim.message.page,
    )
