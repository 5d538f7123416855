"""What QR codes brought (扫码统计): in all, by day and by store, and the chart of it."""

from typing import TYPE_CHECKING, Any

from flask import render_template
from werkzeug.wrappers import Response

from loyalty.arrivals import queries
from loyalty.arrivals.queries import Figures
from loyalty.kernel.transaction import run
from loyalty.staff.rules import Permission
from loyalty.stores import queries as stores
from portal.console import exports, forms
from portal.console.access import requires
from portal.console.blueprint import blueprint
from portal.console.paging import export_address
from portal.console.scene_names import DAY_FIGURES, KIND_NAMES, chosen_days, chosen_scenes
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

CHARTED = ("scans", "new_followers", "enrolled")


@blueprint.get("/scene-report")
@requires(Permission.CHANNELS_READ)
def scene_report() -> str:
    """Show the figures of the codes that the filter leaves."""
    days, chosen = chosen_days(), chosen_scenes()

    def read(session: "Session") -> dict[str, Any]:
        by_store = queries.by_store(session, chosen, span=days.span)
        return {
            "total": queries.total(session, chosen, span=days.span),
            "by_day": queries.by_day(session, chosen, days=days.all, span=days.span, zone=container().zone),
            "by_store": by_store,
            "store_names": stores.names(session, by_store),
        }

    return render_template(
        "console/scene_report.html",
        days=days,
        filters={"kind": forms.text("kind")},
        kind_names=KIND_NAMES,
        figures=DAY_FIGURES,
        chart=export_address("console.scene_report_days"),
        **run(container().database, read),
    )


@blueprint.get("/scene-report/days.json")
@requires(Permission.CHANNELS_READ)
def scene_report_days() -> dict[str, object]:
    """Return the days for the chart, of all codes or of one."""
    days, chosen = chosen_days(), chosen_scenes()
    by_day = run(
        container().database,
        lambda session: queries.by_day(session, chosen, days=days.all, span=days.span, zone=container().zone),
    )
    series = [
        {"name": DAY_FIGURES[name], "figures": [getattr(day, name) for day in by_day.values()]} for name in CHARTED
    ]
    return {"days": [day.isoformat() for day in by_day], "axes": ["次", ""], "series": series}


@blueprint.get("/scene-report.csv")
@requires(Permission.CHANNELS_READ)
def export_scene_report() -> Response:
    """Download the figures by day."""
    days, chosen = chosen_days(), chosen_scenes()
    by_day = run(
        container().database,
        lambda session: queries.by_day(session, chosen, days=days.all, span=days.span, zone=container().zone),
    )
    rows = [(day.isoformat(), *_values(one)) for day, one in by_day.items()]
    return exports.csv_response("scene-report", ("日期", *DAY_FIGURES.values()), rows)


@blueprint.get("/scene-report/stores.csv")
@requires(Permission.CHANNELS_READ)
def export_scene_report_stores() -> Response:
    """Download the figures by store."""
    days, chosen = chosen_days(), chosen_scenes()

    def read(session: "Session") -> list[exports.Row]:
        by_store = queries.by_store(session, chosen, span=days.span)
        names = stores.names(session, by_store)
        return [(names.get(store_id, store_id), *_values(one)) for store_id, one in by_store.items()]

    header = ("门店", *DAY_FIGURES.values())
    return exports.csv_response("scene-report-stores", header, run(container().database, read))


def _values(figures: Figures) -> list[int]:
    return [getattr(figures, name) for name in DAY_FIGURES]
