"""The board of a campaign (活动效果): what it reached, gave and brought, against the holdout, live while it runs.

A store sees the entries of its own, and they add up to what it sees.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import render_template
from werkzeug.wrappers import Response

from loyalty.broadcasts.rules.channels import NAMES as CHANNEL_NAMES
from loyalty.broadcasts.rules.states import REASON_NAMES
from loyalty.campaigns.queries.campaigns import get_campaign
from loyalty.campaigns.queries.results import DAYS, Results, results
from loyalty.campaigns.queries.results.messages import messages
from loyalty.campaigns.rules.results import Figures, Way
from loyalty.campaigns.rules.terms import CampaignState, SendMessage
from loyalty.campaigns.rules.verdicts import buyers_verdict, spent_verdict
from loyalty.kernel.transaction import run
from loyalty.staff.rules import Permission
from loyalty.stores import queries as stores
from portal.console import exports, forms
from portal.console.access import current_scope, requires
from portal.console.blueprint import blueprint
from portal.console.campaign_names import MISS_NAMES, STATE_COLOURS, STATE_NAMES
from portal.console.figures import shown_money
from portal.console.paging import address, export_address
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

WINDOWS = (7, 30, 90)
"""For how many days after they entered, what members buy may be counted."""
WAY_NAMES = {Way.PUSH: "推送", Way.EVENT: "事件触发", Way.LINK: "链接", Way.QR: "门店二维码", Way.MENU: "菜单"}
STORES_CHARTED = 12
HEADER = (
    "进入",
    "对照组",
    "触达",
    "未发放",
    "积分",
    "已用积分",
    "券",
    "已用券",
    "成交笔数",
    "消费净额（元）",
    "其中用本活动券（元）",
    "成本（元）",
)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the funnel, and how many of a thousand of the first come so far."""

    label: str
    count: int
    per_mille: int


@blueprint.get("/campaigns/<int:campaign_id>/board")
@requires(Permission.CAMPAIGNS_READ)
def campaign_board(campaign_id: int) -> str:
    """Show what the campaign came to, as far as the caller sees."""
    days, scope = _window(), current_scope()

    def read(session: "Session") -> dict[str, Any]:
        campaign = get_campaign(session, campaign_id=campaign_id)
        found = _results(session, campaign_id, days)
        sends = any(isinstance(action, SendMessage) for action in campaign.terms.actions)
        return {
            "campaign": campaign,
            "found": found,
            "sent": messages(session, campaign_id=campaign_id, scope=scope) if sends else None,
            "store_name": _store_names(session, found.stores),
        }

    known = run(container().database, read)
    at, until = container().clock.now(), known["found"].observed_until
    return render_template(
        "console/campaign_board.html",
        windows=[(one, f"{one} 天") for one in WINDOWS],
        days=days,
        here=address(),
        is_live=known["campaign"].state is CampaignState.RUNNING,
        is_observing=until is not None and until > at,
        funnel=_funnel(known["found"].total),
        verdicts=_verdicts(known["found"]),
        chart_of_days=export_address("console.campaign_board_days"),
        chart_of_stores=export_address("console.campaign_board_stores"),
        scope_name="全部门店" if scope.is_chain_wide else f"{len(scope.store_ids)} 个节点",
        names={"states": STATE_NAMES, "colours": STATE_COLOURS, "missed": MISS_NAMES, "ways": WAY_NAMES}
        | {"channels": CHANNEL_NAMES, "reasons": REASON_NAMES},
        **known,
    )


@blueprint.get("/campaigns/<int:campaign_id>/board/days.json")
@requires(Permission.CAMPAIGNS_READ)
def campaign_board_days(campaign_id: int) -> dict[str, object]:
    """Return the days for the chart; money in whole yuan."""
    days = _read(campaign_id).days
    return {"days": [day.isoformat() for day in days], "axes": ["次", "元"], "series": _series(days.values())}


@blueprint.get("/campaigns/<int:campaign_id>/board/stores.json")
@requires(Permission.CAMPAIGNS_READ)
def campaign_board_stores(campaign_id: int) -> dict[str, object]:
    """Return the stores with the most entries for the chart; money in whole yuan."""

    def read(session: "Session") -> dict[str, object]:
        by_store = _results(session, campaign_id, _window()).stores
        charted = dict(list(by_store.items())[:STORES_CHARTED])
        name = _store_names(session, charted)
        return {"names": [name(one) for one in charted], "axes": ["次", "元"], "series": _series(charted.values())}

    return run(container().database, read)


@blueprint.get("/campaigns/<int:campaign_id>/board.csv")
@requires(Permission.CAMPAIGNS_READ)
def export_campaign_board(campaign_id: int) -> Response:
    """Download the figures by day."""
    found = _read(campaign_id)
    rows = [(day.isoformat(), *_cells(found, one)) for day, one in found.days.items()]
    total = ("合计", *_cells(found, found.total))
    return exports.csv_response("campaign-board", ("日期", *HEADER), [*rows, total])


@blueprint.get("/campaigns/<int:campaign_id>/board/stores.csv")
@requires(Permission.CAMPAIGNS_READ)
def export_campaign_board_stores(campaign_id: int) -> Response:
    """Download the figures by store."""

    def read(session: "Session") -> list[exports.Row]:
        found = _results(session, campaign_id, _window())
        name = _store_names(session, found.stores)
        return [(name(store_id), *_cells(found, one)) for store_id, one in found.stores.items()]

    return exports.csv_response("campaign-board-stores", ("门店", *HEADER), run(container().database, read))


def _window() -> int:
    days = forms.optional_integer("days")
    if days is not None and days not in WINDOWS:
        raise forms.InvalidField(field="days")
    return DAYS if days is None else days


def _results(session: "Session", campaign_id: int, days: int) -> Results:
    return results(session, campaign_id=campaign_id, scope=current_scope(), zone=container().zone, window_days=days)


def _read(campaign_id: int) -> Results:
    days = _window()

    def read(session: "Session") -> Results:
        get_campaign(session, campaign_id=campaign_id)
        return _results(session, campaign_id, days)

    return run(container().database, read)


def _funnel(total: Figures) -> list[Step]:
    first = total.entered - total.held_out
    steps = {"进入（不含对照组）": first, "触达": total.done, "用券": total.coupons_used, "成交": total.purchases}
    return [Step(label, count, min(1_000, count * 1_000 // first) if first else 0) for label, count in steps.items()]


def _verdicts(found: Results) -> list[str]:
    return [buyers_verdict(found.comparison), spent_verdict(found.comparison)] if found.comparison else []


def _series(parts: Iterable[Figures]) -> list[dict[str, object]]:
    known = list(parts)
    return [
        {"name": "触达", "figures": [one.done for one in known]},
        {"name": "用券", "figures": [one.coupons_used for one in known]},
        {"name": "消费净额", "figures": [one.revenue_fen // 100 for one in known]},
    ]


def _store_names(session: "Session", by_store: Mapping[int | None, Figures]) -> Callable[[int | None], str]:
    names = stores.names(session, {store_id for store_id in by_store if store_id is not None})
    return lambda store_id: "线上（没有门店）" if store_id is None else names.get(store_id, f"门店 {store_id}")


def _cells(found: Results, one: Figures) -> tuple[object, ...]:
    return (
        *(one.entered, one.held_out, one.done, one.missed),
        *(one.points, one.points_used, one.coupons, one.coupons_used, one.purchases),
        *(shown_money(fen) for fen in (one.revenue_fen, one.coupon_revenue_fen, found.cost_fen(one))),
    )
