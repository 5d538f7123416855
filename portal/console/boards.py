"""Boards (数据看板): figures of a range of days for headquarters, a region or a store, from the roll-ups."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from flask import render_template
from werkzeug.wrappers import Response

from loyalty.campaigns.queries.campaigns import list_in_states
from loyalty.campaigns.rules.terms import CampaignState
from loyalty.kernel.clock import business_date
from loyalty.kernel.transaction import run
from loyalty.reports.rollups.board import figures_by_day, figures_by_store
from loyalty.reports.rollups.figures import LABELS, Figures
from loyalty.reports.rollups.standing import standing_of
from loyalty.staff.rules import Permission
from loyalty.stores import queries as stores
from portal.console import exports, forms
from portal.console.access import current_scope, requires
from portal.console.blueprint import blueprint
from portal.console.board_places import Place, place_of
from portal.console.day_ranges import chosen_days
from portal.console.figures import shown_money
from portal.console.paging import address, export_address
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

PERIODS = (7, 30, 90, 365)
TOPICS = {
    "members": ("会员", ("new_members", "active_members", "check_ins")),
    "points": ("积分", ("points_issued", "points_spent", "points_expired")),
    "coupons": ("优惠券", ("coupons_issued", "coupons_used", "coupon_discount_fen")),
    "purchases": ("消费", ("purchases", "purchases_fen")),
}
"""What the chart may show, and of which figures."""
AXES = {"members": ("人次", ""), "points": ("", "积分"), "coupons": ("张", "元"), "purchases": ("笔", "元")}
COLUMNS = (
    "new_members",
    "active_members",
    "check_ins",
    "points_issued",
    "points_spent",
    "points_expired",
    "coupons_used",
    "purchases",
    "purchases_fen",
    "campaign_reached",
)
"""What the tables show; files hold all figures."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the filter asks for."""

    first: date
    last: date
    store_id: int | None
    topic: str


@blueprint.get("/boards")
@requires(Permission.DASHBOARD_READ)
def board_page() -> str:
    """Show the figures of a node of the tree, of all that the caller sees by default."""
    chosen = _chosen()

    def read(session: "Session") -> dict[str, Any]:
        place = _place(session, chosen)
        period = _period(place, chosen)
        days = figures_by_day(session, **period)
        return {
            "place": place,
            "days": days,
            "below": place.below(figures_by_store(session, **period)),
            "standing": standing_of(session, scope=place.scope),
            "running_campaigns": len(list_in_states(session, states=[CampaignState.RUNNING])),
        }

    found = run(container().database, read)
    return render_template(
        "console/board.html",
        chosen=chosen,
        total=Figures.sum_of(found["days"].values()),
        labels=LABELS,
        columns=COLUMNS,
        topics={name: label for name, (label, _figures) in TOPICS.items()},
        periods=[(days, _period_address(days)) for days in PERIODS],
        chart=export_address("console.board_days"),
        at_place=lambda store_id: address(store_id=str(store_id)),
        **found,
    )


@blueprint.get("/boards/days.json")
@requires(Permission.DASHBOARD_READ)
def board_days() -> dict[str, object]:
    """Return the days for the chart; money in whole yuan."""
    chosen = _chosen()
    days = _read_days(chosen)
    series = [
        {"name": LABELS[name], "figures": [_charted(name, figures) for figures in days.values()]}
        for name in TOPICS[chosen.topic][1]
    ]
    return {"days": [day.isoformat() for day in days], "axes": AXES[chosen.topic], "series": series}


@blueprint.get("/boards/days.csv")
@requires(Permission.DASHBOARD_READ)
def export_board_days() -> Response:
    """Download all figures by day."""
    rows = [(day.isoformat(), *_cells(figures)) for day, figures in _read_days(_chosen()).items()]
    return exports.csv_response("board-days", ("日期", *_header()), rows)


@blueprint.get("/boards/stores.csv")
@requires(Permission.DASHBOARD_READ)
def export_board_stores() -> Response:
    """Download all figures by store."""
    chosen = _chosen()

    def read(session: "Session") -> Iterable[tuple[object, ...]]:
        place = _place(session, chosen)
        by_store = figures_by_store(session, **_period(place, chosen))
        names = {node.id: (node.code, node.name) for node in place.nodes}
        return [
            (*names.get(store_id or 0, ("", "线上（没有门店）")), *_cells(one)) for store_id, one in by_store.items()
        ]

    rows = run(container().database, read)
    return exports.csv_response("board-stores", ("门店编码", "门店", *_header()), rows)


def _chosen() -> Chosen:
    days = chosen_days()
    topic = forms.text("topic") or next(iter(TOPICS))
    if topic not in TOPICS:
        raise forms.InvalidField(field="topic")
    return Chosen(days.first, days.last, forms.optional_integer("store_id"), topic)


def _place(session: "Session", chosen: Chosen) -> Place:
    scope = current_scope()
    return place_of(stores.list_tree(session, scope=scope), chosen=chosen.store_id, scope=scope)


def _period(place: Place, chosen: Chosen) -> dict[str, Any]:
    return {"scope": place.scope, "first": chosen.first, "last": chosen.last, "zone": container().zone}


def _read_days(chosen: Chosen) -> dict[date, Figures]:
    def read(session: "Session") -> dict[date, Figures]:
        return dict(figures_by_day(session, **_period(_place(session, chosen), chosen)))

    return run(container().database, read)


def _period_address(days: int) -> str:
    today = business_date(container().clock.now(), container().zone)
    return address(since=(today - timedelta(days=days - 1)).isoformat(), until=today.isoformat())


def _charted(name: str, figures: Figures) -> int:
    value: int = getattr(figures, name)
    return value // 100 if name.endswith("_fen") else value


def _header() -> list[str]:
    return [label + ("（元）" if name.endswith("_fen") else "") for name, label in LABELS.items()]


def _cells(figures: Figures) -> list[object]:
    values = ((name, getattr(figures, name)) for name in LABELS)
    return [shown_money(value) if name.endswith("_fen") else value for name, value in values]
