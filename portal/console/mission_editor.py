"""The editor of missions: start from a common one, fill in, read it as a sentence, keep as a draft."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from loyalty.coupons.queries import titles
from loyalty.coupons.rules.states import TemplateState
from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.transaction import run
from loyalty.missions import listed
from loyalty.missions.listed import MissionListed
from loyalty.missions.rules.checking import check_terms
from loyalty.missions.rules.errors import InvalidMission
from loyalty.missions.rules.sentences import sentence
from loyalty.missions.rules.templates import TEMPLATES
from loyalty.missions.rules.terms import ONCE_IN_A_LIFE, Measure, MissionEvent, Terms
from loyalty.missions.rules.words import LIMIT_NAMES
from loyalty.missions.service import missions as service
from loyalty.staff.rules import Permission
from loyalty.tiers.queries import list_tiers
from loyalty.tiers.rules import Tier
from portal.console import form_fields, forms
from portal.console.access import actor, for_the_chain, requires
from portal.console.blueprint import blueprint
from portal.console.form_fields import Form
from portal.console.mission_form import LABELS, REWARD_NAMES, ROWS, form_of, terms_of
from portal.console.mission_names import EVENT_NAMES, MEASURE_NAMES, PERIOD_NAMES, names_for_sentences
from portal.console.missions import page_of
from portal.context import container
from portal.errors import status_of

if TYPE_CHECKING:
    from loyalty.kernel.database import Session


@dataclass(frozen=True, slots=True)
class Subject:
    """What is edited: a new mission, or one that exists; what was published stays the mission it is."""

    event: MissionEvent
    mission_id: int | None = None
    is_published: bool = False


@blueprint.get("/missions/new")
@requires(Permission.MISSIONS_WRITE)
def new_mission() -> str:
    """Offer the common missions, or the form that starts from one."""
    for_the_chain()
    template = TEMPLATES.get(forms.text("template"))
    if template is None:
        return render_template("console/mission_templates.html", templates=TEMPLATES)
    terms = template.start()
    return _editor(Subject(terms.event), form_of(terms, container().zone))


@blueprint.post("/missions")
@requires(Permission.MISSIONS_WRITE)
def create_mission() -> Response | tuple[str, int]:
    """Keep a new mission as a draft."""
    for_the_chain()
    subject = Subject(forms.parsed_choice("event", forms.text("event"), MissionEvent))
    at, zone = container().clock.now(), container().zone
    return _save(
        subject, lambda session, terms: service.create_mission(session, terms=terms, actor=actor(), zone=zone, at=at)
    )


@blueprint.get("/missions/<int:mission_id>/edit")
@requires(Permission.MISSIONS_WRITE)
def edit_mission(mission_id: int) -> str:
    """Show the form for the next revision."""
    for_the_chain()
    mission = _mission(mission_id)
    return _editor(_subject(mission), form_of(mission.draft or mission.terms, container().zone))


@blueprint.post("/missions/<int:mission_id>/draft")
@requires(Permission.MISSIONS_WRITE)
def save_mission_draft(mission_id: int) -> Response | tuple[str, int]:
    """Keep what was filled in as the draft."""
    for_the_chain()
    at, zone = container().clock.now(), container().zone

    def keep(session: "Session", terms: Terms) -> int:
        service.save_draft(session, mission_id=mission_id, terms=terms, actor=actor(), zone=zone, at=at)
        return mission_id

    return _save(_subject(_mission(mission_id)), keep)


@blueprint.post("/missions/preview")
@requires(Permission.MISSIONS_WRITE)
def preview_mission() -> str:
    """Say what was filled in in words, by the checks that saving makes; keep nothing."""
    for_the_chain()
    mission_id = forms.optional_integer("mission_id")
    event = forms.parsed_choice("event", forms.text("event"), MissionEvent)
    subject = Subject(event) if mission_id is None else _subject(_mission(mission_id))
    form, says, problems = form_fields.given(), "", list[str]()
    try:
        says = _said(form, subject.event)
    except LoyaltyError as error:
        problems = _problems(error)
    if request.headers.get("HX-Request"):
        return render_template("console/_mission_preview.html", says=says, problems=problems)
    return _editor(subject, form, says=says, problems=problems)


def _said(form: Form, event: MissionEvent) -> str:
    terms = terms_of(form, event, container().zone)
    check_terms(terms, zone=container().zone)
    return run(container().database, lambda session: sentence(terms, names=names_for_sentences(session)))


def _save(subject: Subject, keep: "Callable[[Session, Terms], int]") -> Response | tuple[str, int]:
    form = form_fields.given()
    try:
        terms = terms_of(form, subject.event, container().zone)
        kept = run(container().database, lambda session: keep(session, terms))
    except LoyaltyError as error:
        return _editor(subject, form, problems=_problems(error)), status_of(error)
    flash("草稿已保存，发布后才会生效", "success")
    return redirect(page_of(kept), 303)


def _editor(subject: Subject, form: Form, *, says: str = "", problems: Sequence[str] = ()) -> str:
    def read(session: "Session") -> tuple[Sequence[Tier], dict[int, str]]:
        return list_tiers(session), titles.list_choices(session, state=TemplateState.LIVE)

    tiers, coupons = run(container().database, read)
    is_purchase = subject.event is MissionEvent.PURCHASE
    return render_template(
        "console/mission_form.html",
        subject=subject,
        action=_action(subject),
        value=lambda name: next(iter(form.get(name, ())), ""),
        values=lambda name: set(form.get(name, ())),
        labels=LABELS,
        rows=ROWS,
        reward_names=REWARD_NAMES,
        limit_names=LIMIT_NAMES,
        event_name=EVENT_NAMES[subject.event],
        measures={key: name for key, name in MEASURE_NAMES.items() if is_purchase or key is not Measure.AMOUNT},
        periods=PERIOD_NAMES,
        is_purchase=is_purchase,
        is_custom=subject.event is MissionEvent.CUSTOM,
        is_once_in_a_life=subject.event in ONCE_IN_A_LIFE,
        tiers=tiers,
        coupons=coupons,
        says=says,
        problems=problems,
    )


def _action(subject: Subject) -> str:
    if subject.mission_id is None:
        return url_for("console.create_mission")
    return url_for("console.save_mission_draft", mission_id=subject.mission_id)


def _subject(mission: MissionListed) -> Subject:
    return Subject(mission.terms.event, mission.id, mission.published is not None)


def _problems(error: LoyaltyError) -> list[str]:
    if isinstance(error, InvalidMission):
        return [problem.reason for problem in error.problems]
    return [error.message]


def _mission(mission_id: int) -> MissionListed:
    return run(container().database, lambda session: listed.get_mission(session, mission_id=mission_id))
