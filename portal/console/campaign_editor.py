"""The editor of campaigns: start from a ready one, fill in, see what it would do, keep as a draft.

Every button works without JavaScript: it sends the whole form with what it asks for in ``edit``, and the form comes
back as it was typed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from loyalty.campaigns.queries.campaigns import CampaignView, get_campaign
from loyalty.campaigns.queries.facts import check_facts
from loyalty.campaigns.rules.checking import RULES_LENGTH_MAX, TITLE_LENGTH_MAX, check_terms, gives_value
from loyalty.campaigns.rules.errors import InvalidCampaign
from loyalty.campaigns.rules.holdout import HOLDOUT_PERCENT_MAX
from loyalty.campaigns.rules.states import EDITABLE
from loyalty.campaigns.rules.templates import TEMPLATES, with_coupon
from loyalty.campaigns.rules.terms import Now, Terms
from loyalty.campaigns.service import drafting
from loyalty.coupons.queries import titles
from loyalty.coupons.rules.states import TemplateState
from loyalty.kernel.documents import Problem
from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.transaction import run
from loyalty.kernel.wording import WEEKDAY_NAMES
from loyalty.segments import queries as segments
from loyalty.segments.rules.conditions import EVERYBODY, Condition
from loyalty.staff.rules import Permission
from loyalty.tags import queries as tags
from portal.console import campaign_names, form_fields, forms
from portal.console.access import actor, for_the_chain, requires
from portal.console.blueprint import blueprint
from portal.console.campaign_check import Check, check_of, place_name
from portal.console.campaign_fields import CHANNEL_ORDERS, action_rows, labels_of
from portal.console.campaign_form import SOURCES, edited_actions, form_of, terms_of, told_at_fields
from portal.console.condition_builder import build
from portal.console.condition_edits import edited
from portal.console.form_fields import Form
from portal.console.stores import visible_tree
from portal.context import container
from portal.errors import status_of

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

CHECK = "check"
"""What the button asks for that checks without keeping."""
EMPTY = "empty"
FORM_PROBLEM = ""
"""Where a refusal stands that is of no single field."""
CHANGED = {"HX-Trigger-After-Settle": "campaign-changed"}
_EMPTY_TERMS = Terms(title="", audience=EVERYBODY, trigger=Now(), actions=())


@dataclass(frozen=True, slots=True)
class Subject:
    """What is edited: a new campaign and what it began from, or one that exists."""

    campaign_id: int | None = None
    template: str | None = None
    is_published: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is shown beside the form, and at its fields."""

    check: Check | None = None
    problems: Sequence[Problem] = ()
    focus: str = ""


@blueprint.get("/campaigns/new")
@requires(Permission.CAMPAIGNS_WRITE)
def new_campaign() -> str:
    """Offer the ready campaigns, or the form that starts from one."""
    for_the_chain()
    key = forms.text("template")
    if key == EMPTY:
        return _editor(Subject(), form_of(_EMPTY_TERMS, container().zone))
    template = TEMPLATES.get(key)
    if template is None:
        coupons = run(container().database, lambda session: titles.list_choices(session, state=TemplateState.LIVE))
        return render_template(
            "console/campaign_templates.html", templates=TEMPLATES, coupons=coupons, gives_value=gives_value
        )
    coupon_id = forms.optional_integer("coupon")
    terms = with_coupon(template.start(), coupon_id) if coupon_id else template.start()
    return _editor(Subject(template=key), form_of(terms, container().zone))


@blueprint.post("/campaigns")
@requires(Permission.CAMPAIGNS_WRITE)
def create_campaign() -> ResponseReturnValue:
    """Keep a new campaign as a draft, or change its form without JavaScript."""
    for_the_chain()
    at, zone = container().clock.now(), container().zone
    subject = _new_subject()

    def keep(session: "Session", terms: Terms) -> int:
        return drafting.create_campaign(
            session, terms=terms, template=subject.template, actor=actor(), zone=zone, at=at
        )

    return _sent(subject, keep)


@blueprint.get("/campaigns/<int:campaign_id>/edit")
@requires(Permission.CAMPAIGNS_WRITE)
def edit_campaign(campaign_id: int) -> ResponseReturnValue:
    """Show the form for the draft, or for the next revision of what is in force."""
    for_the_chain()
    campaign = _campaign(campaign_id)
    if campaign.is_waiting or campaign.state not in EDITABLE:
        flash("该活动现在不能修改：待复核的请先由同事处理，已结束的请新建活动", "danger")
        return redirect(url_for("console.campaign_page", campaign_id=campaign_id), 303)
    revision = campaign.draft or campaign.revision
    assert revision is not None, "a campaign has one or the other"
    return _editor(_subject(campaign), form_of(revision.terms, container().zone))


@blueprint.post("/campaigns/<int:campaign_id>/draft")
@requires(Permission.CAMPAIGNS_WRITE)
def save_campaign_draft(campaign_id: int) -> ResponseReturnValue:
    """Keep what was filled in as the draft, or change the form without JavaScript."""
    for_the_chain()
    at, zone = container().clock.now(), container().zone

    def keep(session: "Session", terms: Terms) -> int:
        drafting.save_draft(session, campaign_id=campaign_id, terms=terms, actor=actor(), zone=zone, at=at)
        return campaign_id

    return _sent(_subject(_campaign(campaign_id)), keep)


@blueprint.post("/campaigns/preview")
@requires(Permission.CAMPAIGNS_WRITE)
def preview_campaign() -> str:
    """Say what the form as it stands would do, by the checks of saving; keep nothing."""
    for_the_chain()
    campaign_id = forms.optional_integer("campaign_id")
    outcome = _checked(form_fields.given(), campaign_id)
    return render_template("console/_campaign_check.html", outcome=outcome, place_name=place_name)


@blueprint.post("/campaigns/actions")
@requires(Permission.CAMPAIGNS_WRITE)
def edit_campaign_actions() -> ResponseReturnValue:
    """Add or take away a row of actions; keep nothing."""
    for_the_chain()
    change = edited_actions(form_fields.given(), forms.text("edit"))
    if change is None:
        raise forms.InvalidField(field="edit")
    outcome = Outcome(focus=change.focus)
    known = run(container().database, lambda session: _known(session, change.form, outcome))
    return render_template("console/_campaign_actions.html", outcome=outcome, **known), CHANGED


def _sent(subject: Subject, keep: "Callable[[Session, Terms], int]") -> ResponseReturnValue:
    form, edit = form_fields.given(), forms.text("edit")
    if edit == CHECK:
        return _editor(subject, form, _checked(form, subject.campaign_id))
    if edit:
        rows = edited_actions(form, edit)
        if rows is not None:
            return _editor(subject, rows.form, Outcome(focus=rows.focus))
        change = edited(form, edit)
        return _editor(subject, change.form, Outcome(focus=change.focus))
    return _saved(subject, form, keep)


def _saved(subject: Subject, form: Form, keep: "Callable[[Session, Terms], int]") -> ResponseReturnValue:
    terms: Terms | None = None
    try:
        terms = _terms(form)
        kept = terms
        campaign_id = run(container().database, lambda session: keep(session, kept))
    except LoyaltyError as error:
        return _editor(subject, form, Outcome(problems=_problems(error, terms))), status_of(error)
    flash("草稿已保存，检查无误后提交", "success")
    return redirect(url_for("console.check_campaign", campaign_id=campaign_id), 303)


def _checked(form: Form, campaign_id: int | None) -> Outcome:
    terms: Terms | None = None
    try:
        terms = _terms(form)
        check_terms(terms, zone=container().zone)
        return Outcome(check=run(container().database, lambda session: _check(session, terms, campaign_id)))
    except LoyaltyError as error:
        return Outcome(problems=_problems(error, terms))


def _check(session: "Session", terms: Terms, campaign_id: int | None) -> Check:
    check_facts(session, terms)
    return check_of(session, terms, campaign_id=campaign_id)


def _terms(form: Form) -> Terms:
    return terms_of(form, container().zone, _condition_of_segment)


def _condition_of_segment(segment_id: int) -> Condition:
    return run(container().database, lambda session: segments.get_segment(session, segment_id=segment_id)).condition


def _problems(error: LoyaltyError, terms: Terms | None) -> Sequence[Problem]:
    if not isinstance(error, InvalidCampaign):
        return [Problem(FORM_PROBLEM, error.message)]
    return error.problems if terms is None else told_at_fields(error.problems, terms)


def _editor(subject: Subject, form: Form, outcome: Outcome | None = None) -> str:
    shown = outcome or Outcome()
    known = run(container().database, lambda session: _known(session, form, shown))
    return render_template(
        "console/campaign_form.html",
        subject=subject,
        action=_action(subject),
        outcome=shown,
        sources=SOURCES,
        weekday_names=WEEKDAY_NAMES,
        month_days={day: f"{day} 日" for day in range(1, 32)},
        title_length_max=TITLE_LENGTH_MAX,
        rules_length_max=RULES_LENGTH_MAX,
        holdout_percent_max=HOLDOUT_PERCENT_MAX,
        nodes=[node for node in visible_tree() if node.parent_id is not None],
        **known,
        place_name=place_name,
    )


def _known(session: "Session", form: Form, outcome: Outcome) -> Mapping[str, Any]:
    """Return what the fields show and offer."""
    chosen = next(iter(form.get("segment_id", ())), "")
    offered = {str(one.id): one.title for one in segments.list_segments(session)}
    condition_problems = [
        one for one in outcome.problems if one.field.startswith("c") and one.field[1:2] in ("", "-", ".")
    ]
    return {
        "builder": build(session, form, problems=condition_problems, focus=outcome.focus),
        "rows": action_rows(form),
        "value": lambda name: next(iter(form.get(name, ())), ""),
        "values": lambda name: set(form.get(name, ())),
        "problems_of": lambda name: [one.reason for one in outcome.problems if one.field == name],
        "labels": labels_of(form),
        "names": campaign_names,
        "channel_orders": CHANNEL_ORDERS,
        "coupons": titles.list_choices(session, state=TemplateState.LIVE),
        "tag_names": tags.list_choices(session),
        "segments": offered if not chosen or chosen in offered else offered | {chosen: f"分群 {chosen}"},
    }


def _new_subject() -> Subject:
    key = forms.text("template")
    return Subject(template=key if key in TEMPLATES else None)


def _subject(campaign: CampaignView) -> Subject:
    return Subject(campaign.id, campaign.template, is_published=campaign.revision is not None)


def _action(subject: Subject) -> str:
    if subject.campaign_id is None:
        return url_for("console.create_campaign")
    return url_for("console.save_campaign_draft", campaign_id=subject.campaign_id)


def _campaign(campaign_id: int) -> CampaignView:
    return run(container().database, lambda session: get_campaign(session, campaign_id=campaign_id))
