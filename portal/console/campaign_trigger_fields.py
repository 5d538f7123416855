"""Triggers of campaigns (触发方式) as fields and back. Those of a kind stand under its name: ``sleeping.days``."""

from collections.abc import Callable, Mapping
from datetime import time
from zoneinfo import ZoneInfo

from loyalty.campaigns.rules.terms import (
    At,
    BeforeExpiry,
    Birthday,
    CampaignEvent,
    Now,
    OnEvent,
    Recurring,
    Repetition,
    Sleeping,
    Trigger,
    Visit,
)
from portal.console.campaign_names import DELAY_UNITS, MINUTES_OF, TRIGGER_NAMES
from portal.console.form_fields import FormReader, clock_of, shown_all, shown_moment

_DAY_FIELDS = {Repetition.WEEKLY: "weekdays", Repetition.MONTHLY: "monthdays"}


def read_trigger(reader: FormReader, zone: ZoneInfo) -> Trigger:
    """Return the trigger that is chosen; of the other kinds nothing is read."""
    kind = reader.option("trigger", TRIGGER_NAMES)
    return _READERS[kind](reader, zone) if kind in _READERS else Now()


def shown_trigger(trigger: Trigger, kind: str, zone: ZoneInfo) -> dict[str, list[str]]:
    """Return a trigger as the form shows it."""
    return {"trigger": [kind]} | {f"{kind}.{name}": texts for name, texts in _fields(trigger, zone).items()}


def field_of(problem_field: str, trigger: Trigger, kind: str) -> str:
    """Return the field at which something that the domain says is wrong is told."""
    if not problem_field.startswith("trigger."):
        return problem_field
    name = problem_field.removeprefix("trigger.")
    if isinstance(trigger, Recurring) and name == "days":
        name = _DAY_FIELDS.get(trigger.repetition, "repetition")
    return f"{kind}.{'delay' if name == 'delay_minutes' else name}"


def _at(reader: FormReader, zone: ZoneInfo) -> Trigger:
    if not reader.text("at.starts_at"):
        reader.refuse("at.starts_at", "不能为空")
    starts_at = reader.moment("at.starts_at", zone)
    return Now() if starts_at is None else At(starts_at)


def _recurring(reader: FormReader, _zone: ZoneInfo) -> Trigger:
    repetition = reader.choice("recurring.repetition", Repetition) or Repetition.DAILY
    field = _DAY_FIELDS.get(repetition)
    days = reader.numbers(f"recurring.{field}") if field else frozenset[int]()
    return Recurring(repetition, _time(reader, "recurring.at", time(10)), days)


def _event(reader: FormReader, _zone: ZoneInfo) -> Trigger:
    unit = reader.option("event.unit", DELAY_UNITS) or "minutes"
    delay = (reader.whole("event.delay") or 0) * MINUTES_OF[unit]
    if not reader.text("event.event"):
        reader.refuse("event.event", "不能为空")
    return OnEvent(reader.choice("event.event", CampaignEvent) or CampaignEvent.ENROLLED, delay)


def _birthday(reader: FormReader, _zone: ZoneInfo) -> Trigger:
    return Birthday(reader.whole("birthday.days_before") or 0, _time(reader, "birthday.at", Birthday().at))


def _sleeping(reader: FormReader, _zone: ZoneInfo) -> Trigger:
    return Sleeping(reader.whole("sleeping.days") or 0, _time(reader, "sleeping.at", Sleeping(1).at))


def _before_expiry(reader: FormReader, _zone: ZoneInfo) -> Trigger:
    least = reader.whole("before_expiry.points_least")
    at = _time(reader, "before_expiry.at", BeforeExpiry(1).at)
    return BeforeExpiry(reader.whole("before_expiry.days") or 0, 1 if least is None else least, at)


def _time(reader: FormReader, name: str, default: time) -> time:
    read = reader.read(name, clock_of, "须为时刻，如 09:30")
    return default if read is None else read


def _fields(trigger: Trigger, zone: ZoneInfo) -> Mapping[str, list[str]]:
    match trigger:
        case At(starts_at=starts_at):
            return {"starts_at": [shown_moment(starts_at, zone)]}
        case Recurring(repetition=repetition, at=at, days=days):
            chosen = {_DAY_FIELDS[repetition]: shown_all(days)} if repetition in _DAY_FIELDS else {}
            return {"repetition": [repetition.value], "at": [_shown(at)], **chosen}
        case OnEvent(event=event, delay_minutes=delay):
            unit = next(one for one in ("days", "hours", "minutes") if delay % MINUTES_OF[one] == 0)
            unit = unit if delay else "minutes"
            return {"event": [event.value], "delay": [str(delay // MINUTES_OF[unit])], "unit": [unit]}
        case Birthday(days_before=days, at=at):
            return {"days_before": [str(days)], "at": [_shown(at)]}
        case Sleeping(days=days, at=at):
            return {"days": [str(days)], "at": [_shown(at)]}
        case BeforeExpiry(days=days, points_least=least, at=at):
            return {"days": [str(days)], "points_least": [str(least)], "at": [_shown(at)]}
    return {}


def _shown(at: time) -> str:
    return at.isoformat("minutes")


_READERS: Mapping[str, Callable[[FormReader, ZoneInfo], Trigger]] = {
    "at": _at,
    "recurring": _recurring,
    "event": _event,
    "birthday": _birthday,
    "sleeping": _sleeping,
    "before_expiry": _before_expiry,
    "visit": lambda _reader, _zone: Visit(),
}
