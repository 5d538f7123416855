"""Payouts (提现): asking for one, following it, confirming and cancelling it, and who is paid."""

from typing import TYPE_CHECKING, Any

from loyalty.kernel.audit import Actor
from loyalty.kernel.transaction import run
from loyalty.members import queries as members
from loyalty.members import service as consents
from loyalty.members.rules.consents import Purpose
from loyalty.members.rules.identities import Door
from loyalty.payouts.queries.for_members import seen_by_owner
from loyalty.payouts.queries.payees import find_payee_name
from loyalty.payouts.queries.payouts import PayoutView, get_payout, list_payouts
from loyalty.payouts.rules.states import Destination
from loyalty.payouts.rules.words import masked_name
from loyalty.payouts.service import deciding
from loyalty.payouts.service.payees import forget_payee, save_payee
from loyalty.payouts.service.requesting import Wish
from loyalty.payouts.service.withdrawing import Withdrawal, withdraw
from miniprogram_api.context import caller, client_ip, container, member_id
from miniprogram_api.v1.blueprint import subject
from miniprogram_api.v1.schemas import payouts as schemas
from miniprogram_api.v1.schemas.base import CursorQuery, RequiredIdempotencyHeaders

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

blueprint = subject("payouts", __name__, description="Withdrawals, their confirmation, and who is paid.")


@blueprint.post("/payouts")
@blueprint.arguments(schemas.WithdrawalRequest)
@blueprint.arguments(RequiredIdempotencyHeaders, location="headers")
@blueprint.response(201, schemas.PayoutDetail)
def ask(body: dict[str, Any], headers: dict[str, Any]) -> dict[str, Any]:
    """Withdraw money, or take points instead; the same key again is the same withdrawal as it stands now."""
    key, known = headers["idempotency_key"], caller()
    payout = withdraw(
        container().database,
        vault=container().vault,
        withdrawal=Withdrawal(
            Wish(member_id(), body["amount_fen"], known.appid, known.openid, key),
            Destination(body["destination"]),
            ip=client_ip(),
            device=body["device_id"],
        ),
        has_merchant=container().pay is not None,
        is_tax_required=container().settings.is_production,
        zone=container().zone,
        at=container().clock.now(),
        mini_program=container().mini_program(known.appid),
    )
    return _detail(payout)


@blueprint.get("/payouts")
@blueprint.arguments(CursorQuery, location="query")
@blueprint.response(200, schemas.Payouts)
def list_mine(query: dict[str, Any]) -> dict[str, Any]:
    """List the member's withdrawals, newest first."""
    owner = member_id()
    page = run(container().database, lambda session: list_payouts(session, member_id=owner, **query))
    return {"items": [_payout(payout) for payout in page.items], "next_cursor": page.next_cursor}


@blueprint.get("/payouts/<int:payout_id>")
@blueprint.response(200, schemas.PayoutDetail)
def show(payout_id: int) -> dict[str, Any]:
    """Show a withdrawal; while it waits for its owner, with what ``wx.requestMerchantTransfer`` needs."""
    owner = member_id()
    return _detail(run(container().database, lambda session: get_payout(session, payout_id=payout_id, member_id=owner)))


@blueprint.post("/payouts/<int:payout_id>/cancellation")
@blueprint.response(200, schemas.PayoutDetail)
def cancel(payout_id: int) -> dict[str, Any]:
    """Call a withdrawal back; again it changes nothing. The end is told by its state."""
    owner, at, actor = member_id(), container().clock.now(), _actor()

    def work(session: "Session") -> PayoutView:
        get_payout(session, payout_id=payout_id, member_id=owner)
        deciding.cancel(session, payout_id=payout_id, zone=container().zone, actor=actor, at=at)
        return get_payout(session, payout_id=payout_id, member_id=owner)

    return _detail(run(container().database, work))


@blueprint.get("/payee")
@blueprint.response(200, schemas.PayeeState)
def show_payee() -> dict[str, Any]:
    """Show what is known of who is paid, and the text to agree to before giving it."""
    owner = member_id()
    return run(container().database, lambda session: _payee(session, owner))


@blueprint.put("/payee")
@blueprint.arguments(schemas.PayeeRequest)
@blueprint.response(200, schemas.PayeeState)
def give_payee(body: dict[str, Any]) -> dict[str, Any]:
    """Give name and ID number, agreeing to the text of the version named."""
    owner, at, actor = member_id(), container().clock.now(), _actor()

    def work(session: "Session") -> dict[str, Any]:
        consents.give_consent(
            session,
            member_id=owner,
            purpose=Purpose.PAYEE_IDENTITY,
            version=body["consent_version"],
            door=Door.MINI_PROGRAM,
            at=at,
        )
        save_payee(
            session,
            vault=container().vault,
            member_id=owner,
            name=body["name"],
            id_number=body["id_number"],
            actor=actor,
            at=at,
        )
        return _payee(session, owner)

    return run(container().database, work)


@blueprint.delete("/payee")
@blueprint.response(204)
def take_payee_back() -> None:
    """Withdraw the consent; name and ID number are deleted with it."""
    owner, at = member_id(), container().clock.now()

    def work(session: "Session") -> None:
        consents.withdraw_consent(
            session, member_id=owner, purpose=Purpose.PAYEE_IDENTITY, door=Door.MINI_PROGRAM, at=at
        )
        forget_payee(session, member_id=owner)

    run(container().database, work)


def _payee(session: "Session", owner: int) -> dict[str, Any]:
    name = find_payee_name(session, vault=container().vault, member_id=owner)
    text = members.current_text(session, purpose=Purpose.PAYEE_IDENTITY)
    return {"name": None if name is None else masked_name(name), "text": text}


def _payout(payout: PayoutView) -> dict[str, Any]:
    seen = seen_by_owner(payout, appid=caller().appid)
    return {
        "id": payout.id,
        "state": payout.state.value,
        "told": seen.told,
        "destination": payout.destination.value,
        "gross_fen": payout.gross_fen,
        "tax_fen": payout.tax_fen,
        "net_fen": payout.net_fen,
        "points": payout.points,
        "is_cancellable": seen.is_cancellable,
        "requested_at": payout.requested_at,
        "settled_at": payout.settled_at,
    }


def _detail(payout: PayoutView) -> dict[str, Any]:
    pay, appid = container().pay, caller().appid
    package = seen_by_owner(payout, appid=appid).package
    confirmation = {"mch_id": pay.mch_id, "app_id": appid, "package": package} if pay and package else None
    return _payout(payout) | {"confirmation": confirmation}


def _actor() -> Actor:
    return Actor(f"member:{member_id()}", client_ip())
