"""Payouts (提现) for fans: following one, confirming and cancelling it, and who is paid."""

from datetime import timedelta
from typing import TYPE_CHECKING, cast

from flask import Response, flash, make_response, redirect, render_template, request, url_for

from loyalty.kernel.audit import Actor
from loyalty.kernel.errors import LoyaltyError, NotFound, Unavailable
from loyalty.kernel.transaction import run
from loyalty.members import queries as members
from loyalty.members import service as consents
from loyalty.members.rules.consents import Purpose
from loyalty.members.rules.identities import Door
from loyalty.payouts.queries.for_members import seen_by_owner
from loyalty.payouts.queries.payees import find_payee_name
from loyalty.payouts.queries.payouts import PayoutView, get_payout, list_payouts
from loyalty.payouts.rules.states import FINAL, PayoutState
from loyalty.payouts.rules.words import masked_name
from loyalty.payouts.service import deciding
from loyalty.payouts.service.payees import forget_payee, save_payee
from portal.context import client_ip, container
from portal.errors import form_again
from portal.h5 import session
from portal.h5.blueprint import blueprint

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

MOVING = frozenset(PayoutState) - FINAL - {PayoutState.AWAITING_APPROVAL, PayoutState.WAITING_CONFIRM}
"""States that end soon by themselves; the others wait for somebody."""
LOOK_AGAIN_FOR = timedelta(minutes=10)
"""For how long a page that was left open looks again by itself."""
FIELD_LENGTH_MAX = 50


@blueprint.get("/payouts")
def payouts() -> str:
    """List the member's withdrawals."""
    member_id, cursor = session.member_id(), request.args.get("cursor")
    page = run(
        container().database,
        lambda database_session: list_payouts(database_session, member_id=member_id, cursor=cursor),
    )
    return render_template(
        "h5/payouts.html",
        page=page,
        seen_by_owner=lambda payout: seen_by_owner(payout, appid=session.caller().appid),
    )


@blueprint.get("/payouts/<int:payout_id>")
def payout(payout_id: int) -> Response:
    """Show a withdrawal; while it waits for its owner, with the button that opens WeChat's confirmation."""
    member_id, appid, pay = session.member_id(), session.caller().appid, container().pay
    found = run(
        container().database,
        lambda database_session: get_payout(database_session, payout_id=payout_id, member_id=member_id),
    )
    seen = seen_by_owner(found, appid=appid)
    page = render_template(
        "h5/payout.html",
        payout=found,
        seen=seen,
        is_soon_told=_is_soon_told(found),
        mch_id=pay.mch_id if pay else None,
        appid=appid,
    )
    response = make_response(page)
    # It holds what opens the confirmation, and soon says something else.
    response.headers["Cache-Control"] = "no-store"
    return response


def _is_soon_told(payout: PayoutView) -> bool:
    """Tell whether the page has something else to say in a moment."""
    is_moving = payout.state in MOVING or (payout.is_cancel_wanted and payout.settled_at is None)
    return is_moving and container().clock.now() - payout.requested_at < LOOK_AGAIN_FOR


@blueprint.post("/payouts/<int:payout_id>/cancel")
def cancel_payout(payout_id: int) -> Response:
    """Call a withdrawal back."""
    member_id, at = session.member_id(), container().clock.now()
    actor = Actor(f"member:{member_id}", client_ip())

    def work(database_session: "Session") -> PayoutState:
        get_payout(database_session, payout_id=payout_id, member_id=member_id)
        return deciding.cancel(database_session, payout_id=payout_id, zone=container().zone, actor=actor, at=at)

    try:
        state = run(container().database, work)
    except (NotFound, Unavailable):
        raise
    except LoyaltyError as error:
        flash(error.message, "error")
    else:
        flash("已撤销，金额已退回" if state is PayoutState.RETURNED else "正在撤销，结果稍后显示", "info")
    return cast(Response, redirect(url_for("h5.payout", payout_id=payout_id), 303))


@blueprint.get("/payee")
def payee() -> str:
    """Show what is known of who is paid, or the form with the text to agree to."""
    return _payee_page({}, None)


@blueprint.post("/payee")
def give_payee() -> Response:
    """Keep name and ID number, with the consent that was ticked."""
    member_id, at = session.member_id(), container().clock.now()
    typed = {name: request.form.get(name, "").strip()[:FIELD_LENGTH_MAX] for name in ("name", "id_number")}
    version = request.form.get("consent", "")

    def work(database_session: "Session") -> None:
        if version:
            consents.give_consent(
                database_session,
                member_id=member_id,
                purpose=Purpose.PAYEE_IDENTITY,
                version=version,
                door=Door.H5,
                at=at,
            )
        save_payee(
            database_session,
            vault=container().vault,
            member_id=member_id,
            actor=Actor(f"member:{member_id}", client_ip()),
            at=at,
            **typed,
        )

    try:
        run(container().database, work)
    except Unavailable:
        raise
    except LoyaltyError as error:
        return form_again(_payee_page(typed, error.message), error)
    flash("已保存", "info")
    return cast(Response, redirect(url_for("h5.payee"), 303))


@blueprint.post("/payee/forget")
def take_payee_back() -> Response:
    """Withdraw the consent; name and ID number are deleted with it."""
    member_id, at = session.member_id(), container().clock.now()

    def work(database_session: "Session") -> None:
        consents.withdraw_consent(
            database_session, member_id=member_id, purpose=Purpose.PAYEE_IDENTITY, door=Door.H5, at=at
        )
        forget_payee(database_session, member_id=member_id)

    run(container().database, work)
    flash("已撤回授权，实名信息已删除", "info")
    return cast(Response, redirect(url_for("h5.payee"), 303))


def _payee_page(typed: dict[str, str], error: str | None) -> str:
    member_id = session.member_id()
    name, text = run(
        container().database,
        lambda database_session: (
            find_payee_name(database_session, vault=container().vault, member_id=member_id),
            members.current_text(database_session, purpose=Purpose.PAYEE_IDENTITY),
        ),
    )
    return render_template(
        "h5/payee.html", name=None if name is None else masked_name(name), text=text, typed=typed, error=error
    )
