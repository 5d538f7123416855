"""Asking for a payout (提现): the payout, its frozen parameters and its ledger entries are made in one transaction."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from loyalty.approvals import service as approvals
from loyalty.approvals.rules import ApprovalKind
from loyalty.earnings import service as earnings
from loyalty.earnings.rules import taken
from loyalty.gateways.pay_protocols import TransferOrder
from loyalty.kernel.audit import Actor
from loyalty.kernel.clock import business_date
from loyalty.kernel.crypto import Vault
from loyalty.kernel.idempotency import IdempotencyKeyReused
from loyalty.limits import service as limits
from loyalty.limits.rules import month_of
from loyalty.members.keys import open_for_member, seal_for_member
from loyalty.members.queries import identities_of, require_living
from loyalty.payouts.models import Payout
from loyalty.payouts.queries.configuration import current_programme, current_scene
from loyalty.payouts.queries.payees import find_payee_name
from loyalty.payouts.queries.payouts import PayoutView, find_by_key, get_payout
from loyalty.payouts.rules.errors import PayeeNameRequired, PayoutBlocked, PayoutIdentityRequired, PayoutTooSmall
from loyalty.payouts.rules.names import reference_of, sent_key_of
from loyalty.payouts.rules.settings import NAME_DEMANDED_FROM_FEN, NET_FEN_MIN, PayoutProgramme
from loyalty.payouts.rules.states import Destination, PayoutState
from loyalty.payouts.service.records import enter, limits_of, wake
from loyalty.payouts.service.taxing import Withholding, withholding
from loyalty.risk.queries.blocklist import is_blocked
from loyalty.risk.rules.subjects import Subject

ORDER_CONTEXT = "payouts.order"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a member wants to be paid."""

    member_id: int
    amount_fen: int
    appid: str
    openid: str
    key: str
    """The business key, of the origin that asks; the same again is the same payout."""
    batch_id: int | None = None
    """A batch was approved as a whole: its payouts need no approval each."""
    is_suspicious: bool = False
    """Risk wants somebody to look at it: it waits for a second person whatever the amount."""


@dataclass(frozen=True, slots=True)
class _Accepted:
    """A wish that nothing speaks against, and all that its payout is made of."""

    wish: Wish
    order: TransferOrder
    tax: Withholding
    programme: PayoutProgramme
    on: date
    actor: Actor
    at: datetime

    @property
    def is_large(self) -> bool:
        """Whether its amount wants a second person."""
        return self.wish.batch_id is None and self.wish.amount_fen > self.programme.approval_above_fen

    @property
    def needs_approval(self) -> bool:
        """Whether it waits for a second person."""
        return self.is_large or self.wish.is_suspicious


def request(
    session: Session, *, vault: Vault, wish: Wish, is_tax_required: bool, zone: ZoneInfo, at: datetime, actor: Actor
) -> PayoutView:
    """Take money out of a member's account and owe them its transfer (申请提现).

    Above the threshold it waits for a second person. The same key again returns the same payout. Every refusal comes
    before anything is written.

    Raises:
        PayoutsOff, PayoutSceneNotConfigured, PayoutTaxNotConfigured: the operator has not set it up.
        MemberNotFound, MemberGone, MemberProvisional: there is nobody to pay.
        PayoutBlocked: the member is on the blocklist.
        PayoutIdentityRequired: the openid is not of this member.
        InsufficientEarnings: less can be withdrawn.
        PayoutTooSmall: it is below the minimum, or too little is left after tax.
        PayeeNameRequired: tax is withheld, or it is ¥2,000 or more: who is paid has to be known.
        LimitExhausted: the day's limit of the member, or of all, is reached.
        IdempotencyKeyReused: the key was used for another amount.
    """
    require_living(session, member_id=wish.member_id)
    if (known := find_by_key(session, member_id=wish.member_id, key=wish.key)) is not None:
        return _replayed(known, wish)
    programme, on = current_programme(session), business_date(at, zone)
    _check(session, wish, programme, at)
    tax = _tax(session, wish, programme, on, is_required=is_tax_required)
    order = _order(session, vault, wish, tax_fen=tax.tax_fen)
    counted = limits_of(programme, member_id=wish.member_id, requested_at=at, zone=zone)
    limits.reserve(session, limits=counted, amount=wish.amount_fen)
    payout_id = _write(session, vault, _Accepted(wish, order, tax, programme, on, actor, at))
    return get_payout(session, payout_id=payout_id)


def find_order(session: Session, *, vault: Vault, payout: Payout) -> TransferOrder | None:
    """Read frozen parameters back; points have none, and none are left of a member who was erased."""
    if payout.frozen_order is None:
        return None
    plain = open_for_member(
        session, vault=vault, member_id=payout.member_id, sealed=payout.frozen_order, context=ORDER_CONTEXT
    )
    if plain is None:
        return None
    data: dict[str, Any] = json.loads(plain)
    return TransferOrder(**{**data, "report": tuple((kind, content) for kind, content in data["report"])})


def _replayed(known: PayoutView, wish: Wish) -> PayoutView:
    if (known.gross_fen, known.appid) != (wish.amount_fen, wish.appid):
        raise IdempotencyKeyReused(idempotency_key=sent_key_of(wish.key))
    return known


def _check(session: Session, wish: Wish, programme: PayoutProgramme, at: datetime) -> None:
    """Refuse what cannot be paid; from here on the member's account is held."""
    if is_blocked(session, subject=Subject(wish.member_id), at=at):
        raise PayoutBlocked
    _check_identity(session, wish)
    if wish.amount_fen < programme.minimum_fen:
        raise PayoutTooSmall(minimum_fen=programme.minimum_fen)
    taken(earnings.lock(session, member_id=wish.member_id, at=at), wish.amount_fen)


def _check_identity(session: Session, wish: Wish) -> None:
    identities = identities_of(session, member_id=wish.member_id)
    if (wish.appid, wish.openid) not in {(identity.appid, identity.openid) for identity in identities}:
        raise PayoutIdentityRequired


def _tax(session: Session, wish: Wish, programme: PayoutProgramme, on: date, *, is_required: bool) -> Withholding:
    return withholding(
        session,
        member_id=wish.member_id,
        income_kind=programme.income_kind,
        gross_fen=wish.amount_fen,
        on=on,
        is_required=is_required,
    )


def _order(session: Session, vault: Vault, wish: Wish, *, tax_fen: int) -> TransferOrder:
    scene, net_fen = current_scene(session), wish.amount_fen - tax_fen
    if net_fen < NET_FEN_MIN:
        raise PayoutTooSmall(minimum_fen=NET_FEN_MIN)
    is_name_sent = net_fen >= NAME_DEMANDED_FROM_FEN
    name = None
    # Tax is declared under a name and an ID number, which are always given together.
    if is_name_sent or tax_fen:
        name = find_payee_name(session, vault=vault, member_id=wish.member_id)
        if name is None:
            raise PayeeNameRequired
    return TransferOrder(
        out_bill_no=out_bill_no_of(vault, member_id=wish.member_id, key=wish.key),
        appid=wish.appid,
        openid=wish.openid,
        amount_fen=net_fen,
        scene_id=scene.scene_id,
        remark=scene.remark,
        perception=scene.perception,
        report=scene.report,
        payee_name=name if is_name_sent else None,
    )


def out_bill_no_of(vault: Vault, *, member_id: int, key: str) -> str:
    """Derive the number at WeChat Pay from the business key: 32 digits and letters, the same for ever.

    Under a key of this installation, so that two of one merchant never make the same number.
    """
    return "P" + vault.index(f"{member_id}:{key}", context="payouts.out_bill_no").hex()[:31]


def _write(session: Session, vault: Vault, accepted: _Accepted) -> int:
    """Write the payout and take its money, and let it go on: to a worker, or to a second person."""
    wish, tax, at = accepted.wish, accepted.tax, accepted.at
    payout_id = enter(session, _row(session, vault, accepted), "requested")
    earnings.withdraw(
        session,
        member_id=wish.member_id,
        amount_fen=wish.amount_fen,
        tax_fen=tax.tax_fen,
        reference=reference_of(payout_id),
        explanation={"payout_id": payout_id, "tax_fen": tax.tax_fen, "tax_rate_id": tax.rate_id},
        at=at,
        actor=accepted.actor.name,
    )
    if accepted.needs_approval:
        _ask_approval(session, payout_id, accepted)
    else:
        wake(session, payout_id, at=at)
    return payout_id


def _row(session: Session, vault: Vault, accepted: _Accepted) -> Mapping[str, Any]:
    wish, order, at = accepted.wish, accepted.order, accepted.at
    plain = json.dumps(asdict(order))
    frozen = seal_for_member(session, vault=vault, member_id=wish.member_id, plain=plain, context=ORDER_CONTEXT, at=at)
    return {
        "member_id": wish.member_id,
        "key": wish.key,
        "out_bill_no": order.out_bill_no,
        "batch_id": wish.batch_id,
        "destination": Destination.WECHAT,
        "state": PayoutState.AWAITING_APPROVAL if accepted.needs_approval else PayoutState.NEW,
        "gross_fen": wish.amount_fen,
        "tax_fen": accepted.tax.tax_fen,
        "net_fen": order.amount_fen,
        "income_kind": accepted.programme.income_kind,
        "tax_rate_id": accepted.tax.rate_id,
        "period": month_of(accepted.on),
        "appid": wish.appid,
        "frozen_order": frozen,
        "due_at": None if accepted.needs_approval else at,
        "requested_by": accepted.actor.name,
        "requested_at": at,
    }


def _ask_approval(session: Session, payout_id: int, accepted: _Accepted) -> None:
    wish, tax = accepted.wish, accepted.tax
    facts = {"amount_fen": wish.amount_fen, "tax_fen": tax.tax_fen, "member_id": wish.member_id}
    facts |= {"is_suspicious": wish.is_suspicious, "is_large": accepted.is_large}
    subject, actor = reference_of(payout_id), accepted.actor
    approvals.request(session, kind=ApprovalKind.PAYOUT, subject=subject, facts=facts, actor=actor, at=accepted.at)
