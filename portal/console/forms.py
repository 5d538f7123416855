"""Reading forms and filters: a value that makes no sense is refused in words, never a traceback."""

from collections.abc import Callable
from datetime import date, datetime, time
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar
from zoneinfo import ZoneInfo

from flask import flash, redirect, request
from werkzeug.wrappers import Response

from loyalty.kernel import clock
from loyalty.kernel.errors import Conflict, InvalidInput, NotFound
from loyalty.kernel.money import fen_of
from loyalty.kernel.transaction import run
from portal.console.form_fields import clock_of
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

Choice = TypeVar("Choice", bound=StrEnum)
TEXT_LENGTH_MAX = 500


class InvalidField(InvalidInput):
    """A field of a form or a filter holds something else than it may."""

    code = "invalid_field"
    message = "填写的内容不正确，请检查后重试"


def text(name: str) -> str:
    """Return a field as one line of text, empty when it is missing."""
    value = request.values.get(name, "").strip()
    if len(value) > TEXT_LENGTH_MAX or "\0" in value:
        raise InvalidField(field=name)
    return value


def texts(name: str) -> list[str]:
    """Return all values of a field that stands in several rows."""
    values = [value.strip() for value in request.values.getlist(name)]
    if any(len(value) > TEXT_LENGTH_MAX or "\0" in value for value in values):
        raise InvalidField(field=name)
    return values


def integer(name: str) -> int:
    """Return a field as a number that fits the database."""
    return parsed_integer(name, text(name))


def optional_integer(name: str) -> int | None:
    """Return a field as a number, or None when it is empty."""
    value = text(name)
    return parsed_integer(name, value) if value else None


def integers(name: str) -> list[int]:
    """Return all values of a field with several choices."""
    return [parsed_integer(name, value) for value in request.values.getlist(name)]


def optional_choice(name: str, choices: type[Choice]) -> Choice | None:
    """Return one of the choices, or None when the field is empty."""
    value = text(name)
    return parsed_choice(name, value, choices) if value else None


def choices(name: str, allowed: type[Choice]) -> list[Choice]:
    """Return all chosen values of a field with several choices."""
    return [parsed_choice(name, value, allowed) for value in request.values.getlist(name)]


def parsed_choice(name: str, value: str, allowed: type[Choice]) -> Choice:
    """Return the choice that a text stands for."""
    try:
        return allowed(value)
    except ValueError as error:
        raise InvalidField(field=name) from error


def is_approved() -> bool:
    """Return what somebody who may approve or refuse has decided."""
    decision = text("decision")
    if decision not in ("approve", "refuse"):
        raise InvalidField(field="decision")
    return decision == "approve"


def optional_day(name: str) -> date | None:
    """Return a field as a business date, or None when it is empty."""
    value = text(name)
    try:
        return date.fromisoformat(value) if value else None
    except ValueError as error:
        raise InvalidField(field=name) from error


def day(name: str) -> date:
    """Return a field as a business date."""
    value = optional_day(name)
    if value is None:
        raise InvalidField(field=name)
    return value


def time_of_day(name: str) -> time:
    """Return a field as a time of day, to the minute."""
    try:
        return clock_of(text(name))
    except ValueError as error:
        raise InvalidField(field=name) from error


def day_range(first: str, last: str) -> tuple[datetime | None, datetime | None]:
    """Return the instants from the start of one business date to the end of another."""
    zone = container().zone
    first_day, last_day = optional_day(first), optional_day(last)
    try:
        since = clock.start_of(first_day, zone) if first_day else None
        return since, clock.end_of(last_day, zone) if last_day else None
    except OverflowError as error:
        raise InvalidField(field=first) from error


def end_of_day(name: str, day: date, zone: ZoneInfo) -> datetime:
    """Return the instant at which a business date that somebody filled in is over."""
    try:
        return clock.end_of(day, zone)
    except OverflowError as error:
        raise InvalidField(field=name) from error


def reason_of(error: InvalidInput) -> str:
    """Return what was wrong with a form, with its details where the rule tells them in words."""
    reason = error.details.get("reason")
    return f"{error.message}：{reason}" if isinstance(reason, str) else error.message


def act(work: "Callable[[Session], object]", *, done: str, back: str) -> Response:
    """Do what a button asks for in one transaction and go back to its page with the outcome."""
    try:
        run(container().database, work)
    except (Conflict, InvalidInput, NotFound) as error:
        flash(error.message, "danger")
    else:
        flash(done, "success")
    return redirect(back, 303)


def parsed_integer(name: str, value: str) -> int:
    """Return the number that a text stands for."""
    if not (value.isascii() and value.isdigit() and len(value) <= 18):
        raise InvalidField(field=name)
    return int(value)


def parsed_money(name: str, value: str) -> int:
    """Return the amount in fen that a text stands for."""
    try:
        return fen_of(value)
    except ValueError as error:
        raise InvalidField(field=name) from error
