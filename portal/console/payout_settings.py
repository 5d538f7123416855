"""Settings of payouts (提现设置): limits, the second pair of eyes, the day of the batch, the words of the scene."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from flask import flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from loyalty.kernel.errors import InvalidInput
from loyalty.kernel.transaction import run
from loyalty.payouts.queries.configuration import find_programme, find_scene
from loyalty.payouts.rules.settings import PayoutProgramme, TransferScene
from loyalty.payouts.rules.tax import IncomeKind
from loyalty.payouts.service import configuring
from loyalty.staff.rules import Permission
from portal.console import figures, forms, payout_names
from portal.console.access import actor, require_whole_chain, requires
from portal.console.blueprint import blueprint
from portal.context import container
from portal.errors import status_of

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

REPORT_ROWS = 4
AMOUNTS = ("minimum_fen", "member_day_fen", "day_fen", "approval_above_fen")
LABELS = {
    "minimum_fen": "最低提现金额",
    "member_day_fen": "每人每天上限",
    "day_fen": "全部会员每天上限",
    "approval_above_fen": "免复核金额",
    "points_per_yuan": "一元换多少积分",
    "batch_day": "批量打款日",
    "scene_id": "场景编号",
    "remark": "转账备注",
    "perception": "收款感知",
    "report": "报备信息",
}
PROGRAMME_FIELDS = (*AMOUNTS, "points_per_yuan", "batch_day", "income_kind")
SCENE_FIELDS = ("scene_id", "remark", "perception")


@blueprint.get("/payout-settings")
@requires(Permission.PAYOUTS_READ)
def payout_settings() -> str:
    """Show the settings that hold, each with the form for others."""
    return _page()


@blueprint.post("/payout-settings")
@requires(Permission.PAYOUTS_WRITE)
def save_payout_settings() -> Response | tuple[str, int]:
    """Let other limits hold from now on; the first time opens withdrawals."""
    at = container().clock.now()

    def work(session: "Session") -> None:
        configuring.save_programme(session, programme=_typed_programme(), actor=actor(), at=at)

    return _saved(work, "已保存，此后的提现和批量打款按新设置处理", PROGRAMME_FIELDS)


@blueprint.post("/payout-settings/scene")
@requires(Permission.PAYOUTS_WRITE)
def save_payout_scene() -> Response | tuple[str, int]:
    """Let other words of the transfer scene hold from now on."""
    at = container().clock.now()

    def work(session: "Session") -> None:
        configuring.save_scene(session, scene=_typed_scene(), actor=actor(), at=at)

    return _saved(work, "已保存，已提交的提现不受影响", (*SCENE_FIELDS, "report"))


def told(error: InvalidInput, labels: Mapping[str, str]) -> str:
    """Say what was wrong with a form, with the name of its field."""
    field = str(error.details.get("field", "")).partition(".")[0]
    return f"{error.message}：{labels[field]}" if field in labels else error.message


def _saved(work: "Callable[[Session], None]", done: str, fields: tuple[str, ...]) -> Response | tuple[str, int]:
    require_whole_chain()
    try:
        run(container().database, work)
    except InvalidInput as error:
        flash(told(error, LABELS), "danger")
        return _page({name: forms.text(name) for name in fields}), status_of(error)
    flash(done, "success")
    return redirect(url_for("console.payout_settings"), 303)


def _typed_programme() -> PayoutProgramme:
    amounts = {name: forms.parsed_money(name, forms.text(name)) for name in AMOUNTS}
    return PayoutProgramme(
        **amounts,
        points_per_yuan=forms.optional_integer("points_per_yuan"),
        batch_day=forms.optional_integer("batch_day"),
        income_kind=forms.parsed_choice("income_kind", forms.text("income_kind"), IncomeKind),
    )


def _typed_scene() -> TransferScene:
    rows = zip(forms.texts("report_kind"), forms.texts("report_text"), strict=False)
    return TransferScene(
        scene_id=forms.text("scene_id"),
        remark=forms.text("remark"),
        perception=forms.text("perception") or None,
        report=tuple(row for row in rows if any(row)),
    )


def _page(typed: Mapping[str, str] | None = None) -> str:
    require_whole_chain()

    def read(session: "Session") -> tuple[PayoutProgramme | None, TransferScene | None]:
        return find_programme(session), find_scene(session)

    programme, scene = run(container().database, read)
    is_report_typed = typed is not None and "report" in typed
    return render_template(
        "console/payout_settings.html",
        is_open=programme is not None,
        has_scene=scene is not None,
        has_merchant=container().pay is not None,
        values=_shown(programme or PayoutProgramme(), scene) | dict(typed or {}),
        report=_typed_report() if is_report_typed else _report_of(scene),
        income_names=payout_names.INCOME_NAMES,
    )


def _shown(programme: PayoutProgramme, scene: TransferScene | None) -> dict[str, Any]:
    amounts = {name: figures.shown_money(getattr(programme, name)) for name in AMOUNTS}
    rest = {name: getattr(programme, name) for name in PROGRAMME_FIELDS if name not in AMOUNTS}
    words = {name: getattr(scene, name) if scene else "" for name in SCENE_FIELDS}
    return amounts | rest | words


def _report_of(scene: TransferScene | None) -> list[tuple[str, str]]:
    rows = list(scene.report) if scene else []
    return rows + [("", "")] * (REPORT_ROWS - len(rows))


def _typed_report() -> list[tuple[str, str]]:
    return list(zip(forms.texts("report_kind"), forms.texts("report_text"), strict=False))
