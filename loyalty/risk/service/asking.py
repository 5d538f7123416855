"""Asking WeChat (询问微信) for its opinion of who is about to gain: where a rule looks at it, before it is decided."""

from dataclasses import replace

from sqlalchemy.orm import Session

from loyalty.gateways.answers import RiskRank
from loyalty.gateways.protocols import MiniProgram
from loyalty.kernel.database import Database
from loyalty.kernel.transaction import run
from loyalty.risk.queries.decisions import find_decision
from loyalty.risk.queries.rules import current_rules
from loyalty.risk.rules.deciding import measures_for
from loyalty.risk.rules.signals import Fact
from loyalty.risk.rules.subjects import Occasion, Subject


def ask_wechat(
    database: Database,
    *,
    subject: Subject,
    occasion: Occasion,
    reference: str,
    mini_program: MiniProgram,
    openid: str,
    ip: str,
) -> Subject:
    """Return who is about to gain with WeChat's opinion (微信风险等级); call it outside any transaction.

    No answer in time is no opinion: it keeps nobody from anything, and the decision's evidence tells of it.
    """
    if not run(database, lambda session: _is_wanted(session, occasion, reference)):
        return subject
    rank = mini_program.risk_rank(openid=openid, scene="marketing", ip=ip)
    if rank is RiskRank.UNKNOWN:
        return replace(subject, is_rank_missing=True)
    return replace(subject, wechat_rank=rank)


def _is_wanted(session: Session, occasion: Occasion, reference: str) -> bool:
    if (Fact.WECHAT_RANK, None) not in measures_for(current_rules(session).rules, occasion):
        return False
    return find_decision(session, occasion=occasion, reference=reference) is None
