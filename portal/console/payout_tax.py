"""Tax withheld of payouts (个税代扣): dated tables, and the export for the declaration."""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from flask import flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from loyalty.kernel.clock import business_date
from loyalty.kernel.errors import InvalidInput
from loyalty.kernel.transaction import run
from loyalty.payouts.queries.configuration import SavedRate, find_programme, list_rates
from loyalty.payouts.queries.withholding import WithholdingLine
from loyalty.payouts.rules.tax import BRACKETS_MAX, Bracket, IncomeKind, TaxPeriod, TaxTable
from loyalty.payouts.service import withholding
from loyalty.payouts.service.configuring import save_tax_rate
from loyalty.staff.rules import Permission
from portal.console import exports, figures, forms, payout_names
from portal.console.access import actor, require_whole_chain, requires
from portal.console.actors import names_of
from portal.console.blueprint import blueprint
from portal.console.payout_settings import told
from portal.context import container
from portal.errors import status_of

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

ROWS = 7
"""As many brackets as the longest table of the tax law has."""
AMOUNTS = ("small_up_to", "small_deduction", "monthly_allowance")
FIELDS = ("income_kind", "live_from_on", "tax_period", "deduction_percent", *AMOUNTS)
LABELS = {
    "amounts": "金额",
    "percent": "比例须在 0–100 之间",
    "brackets": "级距须从低到高，最后一级不填上限",
    "live_from_on": "生效日期",
    "period": "月份",
    "table": "税率表",
}
HEADER = ("会员号", "姓名", "身份证号", "所得项目", "所属月份", "笔数", "收入（元）", "代扣个税（元）", "实发（元）")


@blueprint.get("/payout-tax")
@requires(Permission.PAYOUTS_READ)
def payout_tax() -> str:
    """Show the tables with their dates, and the form for another."""
    today = business_date(container().clock.now(), container().zone)
    return _page({"live_from_on": today.isoformat()}, [("", "", "")] * ROWS)


@blueprint.post("/payout-tax")
@requires(Permission.PAYOUTS_WRITE)
def save_payout_tax() -> Response | tuple[str, int]:
    """Let another table hold from a business date on."""
    require_whole_chain()
    at = container().clock.now()
    try:
        table, live_from_on = _typed_table(), forms.day("live_from_on")
        kind = forms.parsed_choice("income_kind", forms.text("income_kind"), IncomeKind)
        run(
            container().database,
            lambda session: save_tax_rate(
                session, income_kind=kind, table=table, live_from_on=live_from_on, actor=actor(), at=at
            ),
        )
    except InvalidInput as error:
        flash(told(error, LABELS), "danger")
        return _page({name: forms.text(name) for name in FIELDS}, _typed_rows()), status_of(error)
    flash(f"税率表已保存，{live_from_on.isoformat()} 起生效；已提交的提现不变", "success")
    return redirect(url_for("console.payout_tax"), 303)


@blueprint.post("/payout-tax/withholding")
@requires(Permission.PAYOUTS_DECLARE)
def export_withholding() -> Response:
    """Download a month's income and tax by person; who took it is audited."""
    require_whole_chain()
    period, at = forms.text("period"), container().clock.now()
    try:
        lines = run(
            container().database,
            lambda session: withholding.export(
                session, vault=container().vault, period=period, zone=container().zone, actor=actor(), at=at
            ),
        )
    except InvalidInput as error:
        flash(told(error, LABELS), "danger")
        return redirect(url_for("console.payout_tax"), 303)
    return exports.csv_response(f"withholding-{period}", HEADER, [_row(line) for line in lines])


def _typed_table() -> TaxTable:
    rows = [row for row in _typed_rows() if any(row)]
    return TaxTable(
        period=forms.parsed_choice("tax_period", forms.text("tax_period"), TaxPeriod),
        brackets=tuple(
            Bracket(_fen(up_to) if up_to else None, forms.parsed_integer("rate", rate), _fen(quick or "0"))
            for up_to, rate, quick in rows
        ),
        small_up_to_fen=_fen(forms.text("small_up_to") or "0"),
        small_deduction_fen=_fen(forms.text("small_deduction") or "0"),
        deduction_percent=forms.parsed_integer("deduction_percent", forms.text("deduction_percent") or "0"),
        monthly_allowance_fen=_fen(forms.text("monthly_allowance") or "0"),
    )


def _typed_rows() -> list[tuple[str, str, str]]:
    columns = [forms.texts(name)[:BRACKETS_MAX] for name in ("up_to", "rate", "quick")]
    return list(zip(*columns, strict=False))


def _fen(text: str) -> int:
    return forms.parsed_money("amounts", text)


def _page(values: dict[str, str], rows: Sequence[tuple[str, str, str]]) -> str:
    require_whole_chain()
    today = business_date(container().clock.now(), container().zone)

    def read(session: "Session") -> dict[str, Any]:
        rates = list_rates(session)
        return {
            "programme": find_programme(session),
            "rates": rates,
            "in_force": _in_force(rates, today),
            "people": names_of(session, {rate.saved_by for rate in rates}),
        }

    return render_template(
        "console/payout_tax.html",
        names=payout_names,
        values=values,
        rows=rows,
        today=today,
        is_required=container().settings.is_production,
        **run(container().database, read),
    )


def _in_force(rates: Sequence[SavedRate], today: date) -> frozenset[int]:
    """Return which rows hold today: of each kind the latest that has begun."""
    first: dict[IncomeKind, int] = {}
    for rate in rates:
        if rate.live_from_on <= today:
            first.setdefault(rate.income_kind, rate.id)
    return frozenset(first.values())


def _row(line: WithholdingLine) -> exports.Row:
    return (
        line.member_number,
        line.name,
        line.id_number,
        payout_names.INCOME_NAMES[line.income_kind],
        line.period,
        line.payouts_count,
        figures.shown_money(line.gross_fen),
        figures.shown_money(line.tax_fen),
        figures.shown_money(line.net_fen),
    )
