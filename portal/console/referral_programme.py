"""The referral programme (邀请活动): what holds in words, the draft, publishing it, and the switches of channels."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from loyalty.coupons.queries import titles
from loyalty.coupons.rules.states import TemplateState
from loyalty.kernel.documents import Problem
from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.transaction import run
from loyalty.referrals.queries.invitations import coupon_titles
from loyalty.referrals.queries.programmes import ProgrammeView, find_draft, list_programmes, list_switches
from loyalty.referrals.rules.programme import WARNING, WARNING_VERSION, InvalidReferralProgramme, Programme
from loyalty.referrals.rules.sentences import sentences
from loyalty.referrals.rules.sharing import Channel
from loyalty.referrals.service import programmes as service
from loyalty.referrals.service import switches
from loyalty.staff.rules import Permission
from portal.console import form_fields, forms, steps
from portal.console.access import actor, for_the_chain, requires
from portal.console.actors import names_of
from portal.console.blueprint import blueprint
from portal.console.form_fields import Form
from portal.console.referral_form import CONDITION_NAMES, LABELS, form_of, programme_of
from portal.console.referral_names import CHANNEL_NAMES
from portal.context import container
from portal.errors import status_of

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

_START = Programme(
    title="邀请好友",
    description="好友通过您的链接、海报或邀请码成为新会员后，双方可得奖励。",
    share_title="邀您成为会员",
)


@blueprint.get("/referral-programme")
@requires(Permission.REFERRALS_READ)
def referral_programme() -> str:
    """Show what holds, what is drafted, what was, and which channels are on."""
    for_the_chain()

    def read(session: "Session") -> dict[str, Any]:
        published, draft, channels = list_programmes(session), find_draft(session), list_switches(session)
        views = [*published, *([draft] if draft else [])]
        mentioned = {name for view in views for name in (view.created_by, view.published_by)}
        return {
            "current": published[0] if published else None,
            "draft": draft,
            "published": published,
            "switches": channels,
            "says": {view.id: _says(session, view) for view in views},
            "people": names_of(session, mentioned | {switch.changed_by for switch in channels}),
        }

    return render_template(
        "console/referral_programme.html",
        channel_names=CHANNEL_NAMES,
        warning=WARNING,
        warning_version=WARNING_VERSION,
        **run(container().database, read),
    )


@blueprint.get("/referral-programme/edit")
@requires(Permission.REFERRALS_WRITE)
def edit_referral_programme() -> str:
    """Show the form: the draft, else what holds, else something to begin with."""
    for_the_chain()
    found = run(container().database, _shown)
    return _editor(form_of(found.programme if found else _START))


@blueprint.post("/referral-programme/draft")
@requires(Permission.REFERRALS_WRITE)
def save_referral_draft() -> Response | tuple[str, int]:
    """Keep what was filled in as the draft."""
    for_the_chain()
    at, form = container().clock.now(), form_fields.given()
    try:
        programme = programme_of(form)
        run(
            container().database,
            lambda session: service.save_draft(session, programme=programme, actor=actor(), at=at),
        )
    except LoyaltyError as error:
        return _editor(form, problems=_problems(error)), status_of(error)
    flash("草稿已保存，发布后才会生效", "success")
    return redirect(url_for("console.referral_programme"), 303)


@blueprint.post("/referral-programme/publish")
@requires(Permission.REFERRALS_WRITE)
def publish_referral_programme() -> Response:
    """Put the draft in force; where an opening alone is paid, who publishes has agreed to the warning."""
    publish = partial(service.publish, acknowledged_text=forms.text("acknowledged_text") or None)
    return _act(publish, "已发布，此前受邀的好友仍按当时的规则奖励")


@blueprint.post("/referral-programme/discard")
@requires(Permission.REFERRALS_WRITE)
def discard_referral_draft() -> Response:
    """Throw the draft away."""
    return _act(service.discard_draft, "草稿已删除")


@blueprint.post("/referral-programme/channels/<channel>/off")
@requires(Permission.REFERRALS_SWITCH)
def turn_channel_off(channel: str) -> Response:
    """Stop a channel at once."""
    return _turn(switches.turn_off, channel, "已关闭，分享、计数和发放同时停止")


@blueprint.post("/referral-programme/channels/<channel>/on")
@requires(Permission.REFERRALS_SWITCH)
def turn_channel_on(channel: str) -> Response:
    """Let a channel be used again."""
    return _turn(switches.turn_on, channel, "已开启，等待中的奖励将陆续发放")


def _turn(turn: Callable[..., None], channel: str, done: str) -> Response:
    chosen = forms.parsed_choice("channel", channel, Channel)
    return _act(partial(turn, channel=chosen, reason=forms.text("reason")), done)


def _act(step: Callable[..., object], done: str) -> Response:
    for_the_chain()
    return steps.take(step, done=done, back=url_for("console.referral_programme"))


def _shown(session: "Session") -> ProgrammeView | None:
    published = list_programmes(session, limit=1)
    return find_draft(session) or (published[0] if published else None)


def _says(session: "Session", view: ProgrammeView) -> Sequence[str]:
    return sentences(view.programme, coupon_titles(session, view.programme))


def _editor(form: Form, *, problems: Sequence[str] = ()) -> str:
    coupons = run(container().database, lambda session: titles.list_choices(session, state=TemplateState.LIVE))
    return render_template(
        "console/referral_form.html",
        value=lambda name: next(iter(form.get(name, ())), ""),
        labels=LABELS,
        conditions=CONDITION_NAMES,
        coupons=coupons,
        warning=WARNING,
        problems=problems,
    )


def _problems(error: LoyaltyError) -> list[str]:
    if isinstance(error, InvalidReferralProgramme):
        return [_told(problem) for problem in error.problems]
    text = error.details.get("text")
    return [f"{error.message}：「{text}」" if text else error.message]


def _told(problem: Problem) -> str:
    """Name a field as the form does; the rules name it by its place in the document."""
    field = problem.field
    name = {"purchase.minimum_fen": "minimum_amount"}.get(field, field.removeprefix("caps.").removeprefix("purchase."))
    name = name.replace("coupon_template_id", "coupon").replace(".", "_")
    label = LABELS.get(name, "")
    return problem.reason if problem.reason.startswith(label) else f"{label}：{problem.reason}"
