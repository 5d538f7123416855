"""A campaign as a form and back: what was typed is kept as it is until it stands for terms."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from loyalty.campaigns.rules.documents import kind_of
from loyalty.campaigns.rules.errors import InvalidCampaign
from loyalty.campaigns.rules.terms import Caps, Terms, Visit
from loyalty.kernel.documents import Problem
from loyalty.kernel.errors import LoyaltyError
from loyalty.segments.rules.conditions import EVERYBODY, Condition, parse
from portal.console.campaign_fields import (
    ACTION_LABELS,
    action_rows,
    labels_of,
    read_actions,
    shown_actions,
)
from portal.console.campaign_names import ACTION_NAMES
from portal.console.campaign_trigger_fields import field_of, read_trigger, shown_trigger
from portal.console.condition_form import condition_from_form, form_from_condition, problems_of
from portal.console.figures import shown_money
from portal.console.form_fields import Form, FormReader, shown, shown_all, shown_moment
from portal.console.forms import InvalidField

SOURCES = {"segment": "已保存的分群", "condition": "自己设条件"}
_CAPS = ("points", "coupons", "members")
_REMOVE, _ADD = "action-remove", "action-add"


@dataclass(frozen=True, slots=True)
class Edited:
    """A form after a row of actions was added or taken away."""

    form: dict[str, list[str]]
    focus: str


def form_of(terms: Terms, zone: ZoneInfo) -> dict[str, list[str]]:
    """Return terms as the form shows them."""
    return {
        **form_from_condition(terms.audience),
        **shown_trigger(terms.trigger, kind_of(terms.trigger), zone),
        **shown_actions(terms.actions),
        **{f"caps.{name}": [shown(getattr(terms.caps, name))] for name in (*_CAPS, "times_a_member")},
        "title": [terms.title],
        "source": ["segment" if terms.segment_id else "condition"],
        "segment_id": [shown(terms.segment_id)],
        "caps.fen": [shown_money(terms.caps.fen) if terms.caps.fen is not None else ""],
        "holdout_percent": [str(terms.holdout_percent)],
        "starts_at": [shown_moment(terms.starts_at, zone)],
        "ends_at": [shown_moment(terms.ends_at, zone)],
        "store_ids": shown_all(terms.store_ids),
        "rules_text": [terms.rules_text],
    }


def terms_of(form: Form, zone: ZoneInfo, condition_of_segment: Callable[[int], Condition]) -> Terms:
    """Return the terms that a form stands for; whether they make sense is not seen here.

    Stores are where members find the codes of entrances, and read only for a campaign that has them.

    Raises:
        InvalidCampaign: with every field that cannot be read, and why.
        InvalidField: the condition is none that the page offers.
    """
    reader = FormReader(form, labels_of(form))
    segment_id, audience = _audience(reader, form, condition_of_segment)
    trigger = read_trigger(reader, zone)
    terms = Terms(
        title=reader.text("title"),
        audience=audience,
        trigger=trigger,
        actions=tuple(read_actions(reader, form)),
        rules_text=reader.text("rules_text").replace("\r\n", "\n"),
        segment_id=segment_id,
        store_ids=reader.numbers("store_ids") if isinstance(trigger, Visit) else frozenset(),
        caps=_caps(reader),
        holdout_percent=reader.whole("holdout_percent") or 0,
        starts_at=reader.moment("starts_at", zone),
        ends_at=reader.moment("ends_at", zone),
    )
    wrong = [*reader.problems, *(problems_of(form) if segment_id is None else ())]
    if wrong:
        raise InvalidCampaign(wrong)
    return terms


def told_at_fields(problems: Sequence[Problem], terms: Terms) -> list[Problem]:
    """Return what the domain says is wrong, each at the field of the form that it is about."""
    kind = kind_of(terms.trigger)
    return [Problem(field_of(one.field, terms.trigger, kind), one.reason) for one in problems]


def edited_actions(form: Form, edit: str) -> Edited | None:
    """Return a form after a row of actions was added (``action-add``) or taken away (``action-remove:1``).

    None where the button asks for something else, such as a change to the condition.

    Raises:
        InvalidField: no button asks for that.
    """
    verb, _, place = edit.partition(":")
    if verb not in (_ADD, _REMOVE):
        return None
    rows = action_rows(form)
    if verb == _REMOVE:
        gone = f"actions[{place}]"
        if gone not in rows:
            raise InvalidField(field="edit")
        return Edited(_renumbered(form, [row for row in rows if row != gone]), "new_action")
    kind = next(iter(form.get("new_action", ())), "")
    if kind and kind not in ACTION_NAMES:
        raise InvalidField(field="new_action")
    kept = _renumbered(form, rows)
    if not kind:
        return Edited(kept, "new_action")
    row = f"actions[{len(rows)}]"
    kept["new_action"] = []
    return Edited(kept | {f"{row}.kind": [kind]}, row)


def _audience(
    reader: FormReader, form: Form, condition_of_segment: Callable[[int], Condition]
) -> tuple[int | None, Condition]:
    if reader.option("source", SOURCES) != "segment":
        return None, EVERYBODY if problems_of(form) else parse(condition_from_form(form))
    segment_id = reader.whole("segment_id")
    if segment_id is None:
        reader.refuse("segment_id", "须从列表中选择一个")
        return 0, EVERYBODY
    try:
        return segment_id, condition_of_segment(segment_id)
    except LoyaltyError as error:
        reader.refuse("segment_id", f"：{error.message}")
        return segment_id, EVERYBODY


def _caps(reader: FormReader) -> Caps:
    times = reader.whole("caps.times_a_member")
    return Caps(
        **{name: reader.whole(f"caps.{name}") for name in _CAPS},
        fen=reader.money("caps.fen"),
        times_a_member=1 if times is None else times,
    )


def _renumbered(form: Form, rows: Sequence[str]) -> dict[str, list[str]]:
    """Return a form with these rows of actions only, counted from 0."""
    kept = {name: list(texts) for name, texts in form.items() if not name.startswith("actions[")}
    moved: Mapping[str, str] = {row: f"actions[{place}]" for place, row in enumerate(rows)}
    return kept | {
        f"{moved[row]}.{name}": list(form[f"{row}.{name}"])
        for row in rows
        for name in ACTION_LABELS
        if f"{row}.{name}" in form
    }
