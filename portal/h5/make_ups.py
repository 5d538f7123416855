"""Making up (补签) for fans: a missed day for a card, and a card for points."""

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, cast

from flask import Response, flash, redirect, request, url_for

from loyalty.check_ins import making_up
from loyalty.kernel.errors import InvalidInput, LoyaltyError, Unavailable
from loyalty.kernel.transaction import run
from portal.context import container
from portal.h5 import session
from portal.h5.blueprint import blueprint
from portal.h5.form_keys import new_key, sent_key

if TYPE_CHECKING:
    from loyalty.kernel.database import Session


class NoSuchDay(InvalidInput):
    """What was sent is no date."""

    code = "no_such_day"
    message = "日期不正确"


@blueprint.post("/check-ins/make-ups")
def make_up() -> Response:
    """Make a missed day up."""
    at, member_id, zone, key = container().clock.now(), session.member_id(), container().zone, sent_key() or new_key()
    on = _day(request.form.get("on", ""))
    return _done(
        lambda database_session: making_up.make_up(
            database_session, member_id=member_id, on=on, key=key, zone=zone, at=at
        ),
        f"已补签 {on.month} 月 {on.day} 日",
    )


@blueprint.post("/check-ins/make-up-cards")
def buy_make_up_card() -> Response:
    """Buy a card."""
    at, member_id, zone, key = container().clock.now(), session.member_id(), container().zone, sent_key() or new_key()
    return _done(
        lambda database_session: making_up.buy_card(database_session, member_id=member_id, key=key, zone=zone, at=at),
        "补签卡已到账",
    )


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise NoSuchDay from error


def _done(work: "Callable[[Session], object]", told: str) -> Response:
    try:
        run(container().database, work)
    except Unavailable:
        raise
    except LoyaltyError as error:
        flash(error.message, "error")
    else:
        flash(told, "info")
    return cast(Response, redirect(url_for("h5.check_ins"), 303))
