"""Purchases and refunds through checkout, with the noise defaulted."""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from loyalty.checkout import service
from loyalty.checkout.rules import CheckoutPolicy
from loyalty.checkout.service import PurchaseOutcome, RefundOutcome
from loyalty.kernel.audit import Actor
from loyalty.orders.rules import Purchase, RefundReport
from tests.factories.orders import AT
from tests.support.settings import VAULT

SHANGHAI = ZoneInfo("Asia/Shanghai")
ACCEPTING = CheckoutPolicy(is_accepting_points=True)
"""100 points are worth one yuan and may pay half of an order."""


def buy(
    session: Session, purchase: Purchase, *, hold_reference: str | None = None, at: datetime = AT
) -> PurchaseOutcome:
    return service.purchase(session, VAULT, purchase=purchase, hold_reference=hold_reference, at=at, zone=SHANGHAI)


def give_back(session: Session, refund: RefundReport, *, at: datetime = AT) -> RefundOutcome:
    return service.refund(session, refund=refund, at=at, zone=SHANGHAI)


def save_policy(session: Session, policy: CheckoutPolicy = ACCEPTING, *, at: datetime = AT) -> None:
    service.save_policy(session, policy=policy, actor=Actor("system:tests"), at=at)
