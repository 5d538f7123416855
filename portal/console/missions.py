"""Missions (任务): all of them in words, the life of each, and what each came to."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import render_template, url_for
from werkzeug.wrappers import Response

from loyalty.kernel.clock import business_date, start_of
from loyalty.kernel.pagination import Page
from loyalty.kernel.transaction import run
from loyalty.missions import figures, listed
from loyalty.missions.listed import MissionListed
from loyalty.missions.rules.sentences import sentence
from loyalty.missions.rules.terms import MissionEvent, MissionState
from loyalty.missions.rules.words import LIMIT_NAMES, MISS_NAMES, Names, amount_words, refusal_words
from loyalty.missions.service import missions as service
from loyalty.staff.rules import Permission
from portal.console import exports, forms, paging, steps
from portal.console.access import current_scope, for_the_chain, requires
from portal.console.actors import names_of
from portal.console.blueprint import blueprint
from portal.console.filters import local_time
from portal.console.mission_names import EVENT_NAMES, STATE_COLOURS, STATE_NAMES, names_for_sentences
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

DAYS = 30
HEADER = ("编号", "名称", "事件", "任务", "状态", "开始", "结束")
DAYS_HEADER = ("日期", "发放次数", "积分", "优惠券", "补签卡")


@blueprint.get("/missions")
@requires(Permission.MISSIONS_READ)
def mission_list() -> str:
    """List the missions that the filter leaves, each in one sentence."""
    cursor, missions = paging.cursor(), _missions()

    def read(session: "Session") -> tuple[Page[MissionListed], Names]:
        return missions(session, cursor=cursor), names_for_sentences(session)

    page, names = run(container().database, read)
    return render_template(
        "console/mission_list.html",
        page=page,
        is_first=cursor is None,
        address=paging.address,
        says=lambda terms: sentence(terms, names=names, has_codes=True),
        filters={name: forms.text(name) for name in ("text", "event", "state")},
        event_names=EVENT_NAMES,
        state_names=STATE_NAMES,
        colours=STATE_COLOURS,
    )


@blueprint.get("/missions.csv")
@requires(Permission.MISSIONS_READ)
def export_missions() -> Response:
    """Download what the filter shows."""
    return exports.streamed_list("missions", HEADER, exports.as_rows(_missions(), _row, named=_named))


@blueprint.get("/missions/<int:mission_id>")
@requires(Permission.MISSIONS_READ)
def mission_page(mission_id: int) -> str:
    """Show one mission: what it says, what waits, what it came to, and its revisions."""
    at, scope = container().clock.now(), current_scope()
    since = _since(at)

    def read(session: "Session") -> dict[str, Any]:
        mission = listed.get_mission(session, mission_id=mission_id)
        revisions = listed.list_revisions(session, mission_id=mission_id)
        mentioned = {name for one in revisions for name in (one.created_by, one.published_by)}
        known = {"mission": mission, "revisions": revisions, "names": names_for_sentences(session)}
        known["people"] = names_of(session, mentioned)
        if scope.is_chain_wide and mission.published is not None:
            known["figures"] = figures.figures(session, mission_id=mission_id, terms=mission.published, since=since)
            known["days"] = _days(session, mission_id, at)
        return known

    known = run(container().database, read)
    return render_template(
        "console/mission_page.html",
        says=lambda terms: sentence(terms, names=known["names"], has_codes=True),
        told=lambda amount: amount_words(known["mission"].terms.measure, amount),
        refusal_words=refusal_words,
        miss_names=MISS_NAMES,
        limit_names=LIMIT_NAMES,
        days_shown=DAYS,
        event_names=EVENT_NAMES,
        state_names=STATE_NAMES,
        colours=STATE_COLOURS,
        is_chain_wide=scope.is_chain_wide,
        **known,
    )


@blueprint.get("/missions/<int:mission_id>/days.csv")
@requires(Permission.MISSIONS_READ)
def export_mission_days(mission_id: int) -> Response:
    """Download what a mission paid, by day."""
    for_the_chain()
    at = container().clock.now()

    def read(session: "Session") -> Sequence[figures.DayFigures]:
        listed.get_mission(session, mission_id=mission_id)
        return _days(session, mission_id, at)

    days = run(container().database, read)
    rows = [(day.on.isoformat(), day.rewards, day.points, day.coupons, day.cards) for day in days]
    return exports.csv_response(f"mission-{mission_id}-days", DAYS_HEADER, rows)


@blueprint.post("/missions/<int:mission_id>/publish")
@requires(Permission.MISSIONS_WRITE)
def publish_mission(mission_id: int) -> Response:
    """Put the draft in force."""
    return _settle(partial(service.publish, zone=container().zone), mission_id, done="已发布")


@blueprint.post("/missions/<int:mission_id>/discard")
@requires(Permission.MISSIONS_WRITE)
def discard_mission_draft(mission_id: int) -> Response:
    """Throw the draft away, and with it a mission that was never published."""
    return _settle(service.discard_draft, mission_id, done="草稿已删除", back=url_for("console.mission_list"))


@blueprint.post("/missions/<int:mission_id>/pause")
@requires(Permission.MISSIONS_WRITE)
def pause_mission(mission_id: int) -> Response:
    """Pay nothing for the time being."""
    return _settle(service.pause, mission_id, done="已暂停发放，期间照常计数，恢复后会员可以领取")


@blueprint.post("/missions/<int:mission_id>/resume")
@requires(Permission.MISSIONS_WRITE)
def resume_mission(mission_id: int) -> Response:
    """Pay again."""
    return _settle(service.resume, mission_id, done="已恢复发放")


@blueprint.post("/missions/<int:mission_id>/stop")
@requires(Permission.MISSIONS_WRITE)
def stop_mission(mission_id: int) -> Response:
    """End a mission."""
    return _settle(service.stop, mission_id, done="已停止，此前达标的奖励 7 天内仍可领取")


def page_of(mission_id: int) -> str:
    """Return the address of a mission's page."""
    return url_for("console.mission_page", mission_id=mission_id)


def _settle(step: Callable[..., object], mission_id: int, *, done: str, back: str = "") -> Response:
    for_the_chain()
    return steps.take(partial(step, mission_id=mission_id), done=done, back=back or page_of(mission_id))


def _missions() -> Callable[..., Page[MissionListed]]:
    """Return the list that the filter leaves, of which pages can be asked for."""
    return partial(
        listed.list_missions,
        state=forms.optional_choice("state", MissionState),
        event=forms.optional_choice("event", MissionEvent),
        text=forms.text("text"),
    )


def _named(session: "Session", _missions: Sequence[MissionListed]) -> dict[str, Names]:
    return {"names": names_for_sentences(session)}


def _row(mission: MissionListed, *, names: Names) -> exports.Row:
    terms = mission.terms
    return (
        mission.id,
        terms.title,
        EVENT_NAMES[terms.event],
        sentence(terms, names=names, has_codes=True),
        STATE_NAMES[mission.state],
        local_time(terms.starts_at or mission.opened_at),
        local_time(mission.stopped_at or terms.ends_at),
    )


def _days(session: "Session", mission_id: int, at: datetime) -> Sequence[figures.DayFigures]:
    zone = container().zone
    until = at + timedelta(seconds=1)
    return figures.figures_by_day(session, mission_id=mission_id, since=_since(at), until=until, zone=zone)


def _since(at: datetime) -> datetime:
    zone = container().zone
    return start_of(business_date(at, zone) - timedelta(days=DAYS - 1), zone)
