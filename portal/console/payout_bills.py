"""WeChat Pay's daily bill (对账差异): which days were read, and what differs until people have settled it."""

from functools import partial
from typing import TYPE_CHECKING, Any

from flask import render_template, url_for
from werkzeug.wrappers import Response

from loyalty.kernel.transaction import run
from loyalty.payouts.queries import bills
from loyalty.payouts.service.reconciling import settle_discrepancy
from loyalty.staff.rules import Permission
from portal.console import exports, forms, payout_names, steps
from portal.console.access import require_whole_chain, requires
from portal.console.actors import names_of
from portal.console.blueprint import blueprint
from portal.console.figures import shown_money
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

SHOWN_MAX = 200
EXPORTED_MAX = 10_000
HEADER = ("日期", "商户单号", "差异", "账单金额（元）", "系统金额（元）", "提现编号", "处理时间")


@blueprint.get("/payout-discrepancies")
@requires(Permission.PAYOUTS_READ)
def payout_discrepancy_list() -> str:
    """List what differs, by default what nobody has settled, and the bills that were read."""
    require_whole_chain()

    def read(session: "Session") -> dict[str, Any]:
        found = bills.list_discrepancies(session, is_open=_is_open(), limit=SHOWN_MAX)
        settlers = names_of(session, {one.settled_by for one in found})
        return {"found": found, "days": bills.list_bill_days(session), "people": settlers}

    return render_template(
        "console/payout_discrepancy_list.html",
        names=payout_names,
        signed=_signed,
        shown="open" if _is_open() else "all",
        shown_max=SHOWN_MAX,
        **run(container().database, read),
    )


@blueprint.get("/payout-discrepancies.csv")
@requires(Permission.PAYOUTS_READ)
def export_payout_discrepancies() -> Response:
    """Download what the filter shows."""
    require_whole_chain()

    def read(session: "Session") -> list[exports.Row]:
        found = bills.list_discrepancies(session, is_open=_is_open(), limit=EXPORTED_MAX)
        return [
            (
                one.found_on.isoformat(),
                one.out_bill_no,
                payout_names.DISCREPANCY_NAMES.get(one.reason, one.reason),
                _signed(one.bill_fen),
                _signed(one.our_fen),
                one.payout_id,
                one.settled_at,
            )
            for one in found
        ]

    return exports.csv_response("payout-discrepancies", HEADER, run(container().database, read))


@blueprint.post("/payout-discrepancies/<int:discrepancy_id>/settle")
@requires(Permission.PAYOUTS_WRITE)
def settle_payout_discrepancy(discrepancy_id: int) -> Response:
    """Note that it was looked at and put right."""
    require_whole_chain()
    return steps.take(
        partial(settle_discrepancy, discrepancy_id=discrepancy_id),
        done="已标记为处理完毕",
        back=url_for("console.payout_discrepancy_list"),
    )


def _is_open() -> bool:
    return forms.text("shown") != "all"


def _signed(fen: int | None) -> str | None:
    """Return an amount; more came back than went out where it is below zero."""
    return None if fen is None else f"{'-' if fen < 0 else ''}{shown_money(abs(fen))}"
