"""The editor of coupon templates: start from a common one, fill in, see it as members will, keep as a draft."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from loyalty.coupons.queries.templates import TemplateView, get_template
from loyalty.coupons.rules.checking import check_terms
from loyalty.coupons.rules.errors import InvalidCouponTerms, Problem
from loyalty.coupons.rules.pictures import PICTURE_BYTES_MAX
from loyalty.coupons.rules.starts import STARTS
from loyalty.coupons.rules.terms import Terms
from loyalty.coupons.service import templates as service
from loyalty.coupons.service.mentioned import check_mentioned
from loyalty.coupons.service.pictures import keep_picture
from loyalty.kernel.clock import business_date
from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.transaction import run
from loyalty.kernel.wording import WEEKDAY_NAMES
from loyalty.staff.rules import Permission
from loyalty.tags.queries import list_choices
from loyalty.tiers.queries import list_tiers
from loyalty.tiers.rules import Tier
from portal.console import form_fields, forms
from portal.console.access import actor, for_the_chain, requires
from portal.console.blueprint import blueprint
from portal.console.coupon_names import REFUND_NAMES, WORTH_NAMES
from portal.console.coupon_preview import Preview, preview_of, sample_amount_of
from portal.console.coupon_template_fields import BONUS_ROWS, LABELS, Reader
from portal.console.coupon_template_form import form_of, template_of
from portal.console.coupon_templates import page_of
from portal.console.form_fields import Form
from portal.console.stores import visible_tree
from portal.context import container
from portal.errors import status_of

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

FORM_PROBLEM = ""
"""Where a refusal stands that is of no single field."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is shown beside the form: a preview, or what stands in its way."""

    preview: Preview | None = None
    problems: Sequence[Problem] = ()


@blueprint.get("/coupons/new")
@requires(Permission.COUPONS_WRITE)
def new_coupon_template() -> str:
    """Offer the common coupons, or the form that starts from one."""
    for_the_chain()
    start = STARTS.get(forms.text("start"))
    if start is None:
        return render_template("console/coupon_starts.html", starts=STARTS)
    terms = start.begin(business_date(container().clock.now(), container().zone))
    return _begin(None, terms)


@blueprint.post("/coupons")
@requires(Permission.COUPONS_WRITE)
def create_coupon_template() -> Response | tuple[str, int]:
    """Keep a new template as a draft."""
    for_the_chain()
    at = container().clock.now()

    def keep(session: "Session", terms: Terms, stock: int | None) -> int:
        return service.create_template(session, terms=terms, stock=stock, actor=actor(), at=at)

    return _save(None, form_fields.given(), keep)


@blueprint.get("/coupons/<int:template_id>/edit")
@requires(Permission.COUPONS_WRITE)
def edit_coupon_template(template_id: int) -> str:
    """Show the form for the next revision."""
    for_the_chain()
    template = _template(template_id)
    return _begin(template, template.draft or template.terms)


@blueprint.post("/coupons/<int:template_id>/draft")
@requires(Permission.COUPONS_WRITE)
def save_coupon_template_draft(template_id: int) -> Response | tuple[str, int]:
    """Keep what was filled in as the draft."""
    for_the_chain()
    template, at = _template(template_id), container().clock.now()

    def keep(session: "Session", terms: Terms, _stock: int | None) -> int:
        service.save_draft(session, template_id=template_id, terms=terms, actor=actor(), at=at)
        return template_id

    return _save(template, form_fields.given(), keep)


@blueprint.post("/coupons/preview")
@requires(Permission.COUPONS_WRITE)
def preview_coupon_template() -> str:
    """Show what was filled in as a member will see it; nothing is kept but the picture, which no template names yet."""
    for_the_chain()
    template_id = forms.optional_integer("template_id")
    template = None if template_id is None else _template(template_id)
    form, outcome = form_fields.given(), Outcome()
    try:
        form = _with_picture(form)
        outcome = Outcome(preview=_previewed(form))
    except LoyaltyError as error:
        outcome = Outcome(problems=_problems(error))
    if request.headers.get("HX-Request"):
        return render_template("console/_coupon_preview.html", outcome=outcome)
    return _editor(template, form, outcome)


def _begin(template: TemplateView | None, terms: Terms) -> str:
    """Show terms in the form and as members will see them; a start that lacks something yet has no preview."""
    form = form_of(terms, container().zone)
    try:
        outcome = Outcome(preview=_previewed(form))
    except LoyaltyError:
        outcome = Outcome()
    return _editor(template, form, outcome)


def _previewed(form: Form) -> Preview:
    (terms, stock), amount_fen = template_of(form, container().zone), sample_amount_of(form)
    check_terms(terms, stock=stock)

    def read(session: "Session") -> Preview:
        check_mentioned(session, terms=terms)
        return preview_of(session, terms=terms, amount_fen=amount_fen)

    return run(container().database, read)


def _save(
    template: TemplateView | None, form: Form, keep: "Callable[[Session, Terms, int | None], int]"
) -> Response | tuple[str, int]:
    try:
        form = _with_picture(form)
        terms, stock = template_of(form, container().zone)
        kept = run(container().database, lambda session: keep(session, terms, stock))
    except LoyaltyError as error:
        return _editor(template, form, Outcome(problems=_problems(error))), status_of(error)
    flash("草稿已保存，发布后才会生效", "success")
    return redirect(page_of(kept), 303)


def _with_picture(form: Form) -> dict[str, list[str]]:
    """Keep the picture that came with a form, and let the form name it.

    Raises:
        InvalidCouponTerms: it is no picture, or too large.
    """
    known = {name: list(texts) for name, texts in form.items()}
    upload = request.files.get("picture_file")
    if "drop_picture" in known:
        known["picture"] = []
    if upload is None or not upload.filename:
        return known
    content, at = upload.stream.read(PICTURE_BYTES_MAX + 1), container().clock.now()
    digest = run(container().database, lambda session: keep_picture(session, content=content, actor=actor(), at=at))
    return known | {"picture": [digest]}


def _editor(template: TemplateView | None, form: Mapping[str, Sequence[str]], outcome: Outcome | None = None) -> str:
    def read(session: "Session") -> tuple[Sequence[Tier], dict[int, str]]:
        return list_tiers(session), list_choices(session, beside=Reader(form).numbers("tags"))

    tiers, tags = run(container().database, read)
    outcome = outcome or Outcome()
    return render_template(
        "console/coupon_template_form.html",
        template=template,
        action=_action(template),
        value=lambda name: next(iter(form.get(name, ())), ""),
        values=lambda name: set(form.get(name, ())),
        problems_of=lambda name: [problem.reason for problem in outcome.problems if problem.field == name],
        labels=LABELS,
        worth_names=WORTH_NAMES,
        refund_names=REFUND_NAMES,
        weekday_names=WEEKDAY_NAMES,
        bonus_rows=BONUS_ROWS,
        nodes=[node for node in visible_tree() if node.parent_id is not None],
        tier_names={tier.level: tier.name for tier in tiers},
        tags=tags,
        outcome=outcome,
    )


def _action(template: TemplateView | None) -> str:
    if template is None:
        return url_for("console.create_coupon_template")
    return url_for("console.save_coupon_template_draft", template_id=template.id)


def _problems(error: LoyaltyError) -> Sequence[Problem]:
    if isinstance(error, InvalidCouponTerms):
        return error.problems
    return [Problem(FORM_PROBLEM, error.message)]


def _template(template_id: int) -> TemplateView:
    return run(container().database, lambda session: get_template(session, template_id=template_id))
