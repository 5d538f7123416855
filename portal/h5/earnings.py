"""Earnings (收益) for fans: the money account, its statement, and asking to be paid."""

from typing import cast

from flask import Response, flash, make_response, redirect, render_template, request, url_for

from loyalty.earnings import queries
from loyalty.earnings.explanations import sentence
from loyalty.earnings.rules import EarningsKind
from loyalty.kernel.errors import InvalidInput, LoyaltyError, Unavailable
from loyalty.kernel.money import fen_of
from loyalty.kernel.transaction import run
from loyalty.payouts.rules.settings import NAME_DEMANDED_FROM_FEN
from loyalty.payouts.rules.states import Destination
from loyalty.payouts.service.requesting import Wish
from loyalty.payouts.service.withdrawing import Withdrawal, withdraw
from loyalty.reports.member_money import MemberMoney, member_money
from portal.context import client_ip, container
from portal.errors import form_again
from portal.h5 import devices, session
from portal.h5.blueprint import blueprint
from portal.h5.form_keys import new_key, sent_key

FILTERS = {
    "gain": ("获得", [EarningsKind.ACCRUE, EarningsKind.APPROVE]),
    "payout": ("提现", [EarningsKind.WITHDRAW, EarningsKind.WITHHOLD, EarningsKind.RETURN]),
    "other": ("其他", [EarningsKind.REVERSE, EarningsKind.TRANSFER, EarningsKind.FORFEIT]),
}
"""What the member may narrow the statement to; together they are all kinds."""
SIGNS = {
    EarningsKind.ACCRUE: "+",
    EarningsKind.RETURN: "+",
    EarningsKind.REVERSE: "−",
    EarningsKind.WITHDRAW: "−",
    EarningsKind.WITHHOLD: "−",
    EarningsKind.FORFEIT: "−",
}
"""Of kinds that only move money within the account, none."""


class NoSuchAmount(InvalidInput):
    """What was typed is no amount of money."""

    code = "no_such_amount"
    message = "请输入正确的金额，如 12.50"


@blueprint.get("/earnings")
def earnings() -> str:
    """Show the account and a page of its statement, of some kinds when asked."""
    member_id, cursor, shown = session.member_id(), request.args.get("cursor"), request.args.get("kind", "")
    kinds = FILTERS[shown][1] if shown in FILTERS else []
    page = run(
        container().database,
        lambda database_session: queries.statement(database_session, member_id=member_id, kinds=kinds, cursor=cursor),
    )
    return render_template(
        "h5/earnings.html",
        money=_money(),
        page=page,
        filters=FILTERS,
        shown=shown if shown in FILTERS else None,
        signs=SIGNS,
        reason_of=lambda line: sentence(kind=line.kind, explanation=line.explanation),
    )


@blueprint.get("/withdrawal")
def withdrawal() -> Response:
    """Show the form, or why nothing can be withdrawn now."""
    response = make_response(_form(typed="", error=None))
    devices.remember(response, devices.known() or devices.fresh())
    return response


@blueprint.post("/withdrawal")
def ask_for_payout() -> Response:
    """Ask to be paid; the same form sent again is the same withdrawal."""
    typed, known = request.form.get("amount", "")[:20], session.caller()
    is_points = request.form.get("destination") == Destination.POINTS
    try:
        payout = withdraw(
            container().database,
            vault=container().vault,
            withdrawal=Withdrawal(
                # A key that no page of ours made stands for nothing, and a new one takes its place.
                Wish(session.member_id(), _amount(typed), known.appid, known.openid, sent_key() or new_key()),
                Destination.POINTS if is_points else Destination.WECHAT,
                ip=client_ip(),
                device=devices.known(),
            ),
            has_merchant=container().pay is not None,
            is_tax_required=container().settings.is_production,
            zone=container().zone,
            at=container().clock.now(),
        )
    except Unavailable:
        raise
    except LoyaltyError as error:
        return form_again(_form(typed=typed, error=error.message), error)
    flash("已换成积分" if is_points else "已提交提现申请", "info")
    return cast(Response, redirect(url_for("h5.payout", payout_id=payout.id), 303))


def _form(*, typed: str, error: str | None) -> str:
    return render_template(
        "h5/withdrawal.html",
        money=_money(),
        typed=typed,
        error=error,
        key=new_key(),
        name_required_from_fen=NAME_DEMANDED_FROM_FEN,
    )


def _money() -> MemberMoney:
    at, member_id, ip = container().clock.now(), session.member_id(), client_ip()
    return run(
        container().database,
        lambda database_session: member_money(
            database_session,
            vault=container().vault,
            member_id=member_id,
            ip=ip,
            has_merchant=container().pay is not None,
            is_tax_required=container().settings.is_production,
            zone=container().zone,
            at=at,
        ),
    )


def _amount(typed: str) -> int:
    try:
        return fen_of(typed)
    except ValueError as error:
        raise NoSuchAmount from error
