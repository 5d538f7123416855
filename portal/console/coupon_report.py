"""What coupons came to (券效果): figures of a range of days, of one template or of all, and their chart."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from flask import render_template
from werkzeug.wrappers import Response

from loyalty.coupons.queries.titles import list_choices, titles
from loyalty.kernel.transaction import run
from loyalty.reports.coupons import CouponReport, Figures, coupon_report
from loyalty.staff.rules import Permission
from loyalty.stores import queries as stores
from portal.console import exports, forms
from portal.console.access import current_scope, requires
from portal.console.blueprint import blueprint
from portal.console.coupon_names import PATH_NAMES
from portal.console.day_ranges import chosen_days
from portal.console.figures import shown_money
from portal.console.paging import export_address
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

USE_HEADER = ("核销", "用券实付（元）", "优惠成本（元）", "额外积分")
ISSUE_HEADER = ("发放", "其中已使用", "已过期", "已作废", "使用率")


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the filter asks for."""

    first: date
    last: date
    template_id: int | None


@blueprint.get("/coupon-report")
@requires(Permission.COUPONS_READ)
def coupon_report_page() -> str:
    """Show the figures of the stores that the caller sees."""
    chosen, scope = _chosen(), current_scope()

    def read(session: "Session") -> dict[str, Any]:
        report = _report(session, chosen)
        return {"report": report, "choices": list_choices(session), **_named(session, report)}

    return render_template(
        "console/coupon_report.html",
        chosen=chosen,
        path_names=PATH_NAMES,
        percent=percent,
        chart=export_address("console.coupon_report_days"),
        scope_name="全部门店" if scope.is_chain_wide else f"{len(scope.store_ids)} 个节点",
        **run(container().database, read),
    )


@blueprint.get("/coupon-report/days.json")
@requires(Permission.COUPONS_READ)
def coupon_report_days() -> dict[str, object]:
    """Return the days for the chart; what was taken off in whole yuan."""
    days = _read_report().days
    shown = {
        "发放": [day.issued for day in days.values()],
        "核销": [day.redeemed for day in days.values()],
        "优惠成本": [day.discount_fen // 100 for day in days.values()],
    }
    series = [{"name": name, "figures": figures} for name, figures in shown.items()]
    return {"days": [day.isoformat() for day in days], "axes": ["张", "元"], "series": series}


@blueprint.get("/coupon-report.csv")
@requires(Permission.COUPONS_READ)
def export_coupon_report() -> Response:
    """Download the figures by template."""
    chosen = _chosen()

    def read(session: "Session") -> tuple[CouponReport, Mapping[int, str]]:
        report = _report(session, chosen)
        return report, titles(session, report.templates)

    report, names = run(container().database, read)
    rows = [
        (template_id, names.get(template_id), *_issues(figures), *_uses(figures))
        for template_id, figures in report.templates.items()
    ]
    total = ("合计", "", *_issues(report.total), *_uses(report.total))
    header = ("编号", "名称", *ISSUE_HEADER, *USE_HEADER)
    return exports.csv_response("coupon-report", header, [*rows, total])


@blueprint.get("/coupon-report/stores.csv")
@requires(Permission.COUPONS_READ)
def export_coupon_report_stores() -> Response:
    """Download the figures by store of use."""
    chosen = _chosen()

    def read(session: "Session") -> tuple[CouponReport, Mapping[int, str]]:
        report = _report(session, chosen)
        return report, _store_names(session, report.stores)

    report, names = run(container().database, read)
    rows = [(_store_name(names, store_id), *_uses(figures)) for store_id, figures in report.stores.items()]
    return exports.csv_response("coupon-report-stores", ("门店", *USE_HEADER), rows)


@blueprint.get("/coupon-report/days.csv")
@requires(Permission.COUPONS_READ)
def export_coupon_report_days() -> Response:
    """Download the figures by day."""
    rows = [(day.isoformat(), *_issues(one), *_uses(one)) for day, one in _read_report().days.items()]
    return exports.csv_response("coupon-report-days", ("日期", *ISSUE_HEADER, *USE_HEADER), rows)


def percent(per_mille: int | None) -> str:
    """Return a share as people read it: 12.5%; a dash where there is nothing to share."""
    return "—" if per_mille is None else f"{per_mille // 10}.{per_mille % 10}%"


def _chosen() -> Chosen:
    days = chosen_days()
    return Chosen(days.first, days.last, forms.optional_integer("template_id"))


def _report(session: "Session", chosen: Chosen) -> CouponReport:
    return coupon_report(
        session,
        scope=current_scope(),
        first=chosen.first,
        last=chosen.last,
        zone=container().zone,
        at=container().clock.now(),
        template_id=chosen.template_id,
    )


def _read_report() -> CouponReport:
    chosen = _chosen()
    return run(container().database, lambda session: _report(session, chosen))


def _named(session: "Session", report: CouponReport) -> dict[str, Any]:
    names = _store_names(session, report.stores)
    return {
        "titles": titles(session, report.templates),
        "store_name": lambda store_id: _store_name(names, store_id),
    }


def _store_names(session: "Session", store_ids: Iterable[int | None]) -> Mapping[int, str]:
    return stores.names(session, {store_id for store_id in store_ids if store_id is not None})


def _store_name(names: Mapping[int, str], store_id: int | None) -> str:
    return "线上（没有门店）" if store_id is None else names.get(store_id, f"门店 {store_id}")


def _issues(figures: Figures) -> tuple[object, ...]:
    return (figures.issued, figures.used, figures.lapsed, figures.voided, percent(figures.used_per_mille))


def _uses(figures: Figures) -> tuple[object, ...]:
    return (
        figures.redeemed,
        shown_money(figures.revenue_fen),
        shown_money(figures.discount_fen),
        figures.bonus_points,
    )
