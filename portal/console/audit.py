"""The audit log page: who changed what, with before and after side by side."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import render_template, request
from werkzeug.wrappers import Response

from loyalty.kernel import audit
from loyalty.kernel.pagination import PAGE_SIZE, Page, decode_cursor, page_of
from loyalty.kernel.transaction import run
from loyalty.staff.rules import Permission
from portal.console import exports, forms, paging
from portal.console.access import requires
from portal.console.actors import names_of
from portal.console.audit_fields import FIELD_NAMES
from portal.console.audit_names import ACTION_NAMES, subject_name
from portal.console.blueprint import blueprint
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.audit import AuditEntry

EXPORT_ROWS_MAX = 10_000
FILTERS = ("actor", "action", "subject", "since", "until")


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure or name before and after a change."""

    name: str
    before: object
    after: object


@blueprint.get("/audit")
@requires(Permission.AUDIT_READ)
def audit_log() -> str:
    """Show the log, newest first."""
    cursor = paging.cursor()
    rows = _entries(before_id=decode_cursor(cursor), limit=PAGE_SIZE + 1)
    page: Page[AuditEntry] = page_of(rows, limit=PAGE_SIZE, id_of=lambda entry: entry.id)
    return render_template(
        "console/audit_log.html",
        page=page,
        is_first=cursor is None,
        address=paging.address,
        names=_names(page.items),
        action_names=ACTION_NAMES,
        differences=differences,
        filters={name: request.args.get(name, "") for name in FILTERS},
    )


@blueprint.get("/audit.csv")
@requires(Permission.AUDIT_READ)
def export_audit() -> Response:
    """Download what the filter shows, newest first."""
    entries = _entries(before_id=None, limit=EXPORT_ROWS_MAX)
    names = _names(entries)
    rows = (
        (
            entry.recorded_at,
            entry.actor,
            names.get(entry.actor),
            entry.action,
            ACTION_NAMES.get(entry.action),
            entry.subject,
            entry.before,
            entry.after,
            entry.ip,
            entry.request_id,
        )
        for entry in entries
    )
    header = ("时间", "操作者", "姓名", "操作", "操作名称", "对象", "之前", "之后", "来源", "请求编号")
    return exports.csv_response("audit", header, rows)


def differences(entry: "AuditEntry") -> Iterator[Difference]:
    """Yield what an entry says changed, leaving out what stayed."""
    before, after = entry.before or {}, entry.after or {}
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            yield Difference(FIELD_NAMES.get(name, name), _shown(before.get(name)), _shown(after.get(name)))


def _shown(value: object) -> object:
    if value is None:
        return "—"
    if isinstance(value, bool):
        return "是" if value else "否"
    return "、".join(map(str, value)) if isinstance(value, list) else value


def _entries(*, before_id: int | None, limit: int) -> Sequence["AuditEntry"]:
    actor, action, subject = (forms.text(name) or None for name in FILTERS[:3])
    since, until = forms.day_range("since", "until")
    return run(
        container().database,
        lambda session: audit.list_entries(
            session,
            actor=actor,
            action=action,
            subject=subject,
            since=since,
            until=until,
            before_id=before_id,
            limit=limit,
        ),
    )


def _names(entries: Sequence["AuditEntry"]) -> dict[str, str]:
    mentioned = {text for entry in entries for text in (entry.actor, entry.subject)}
    people = run(container().database, lambda session: names_of(session, mentioned))
    accounts = {f"account:{one.appid}": one.name for one in container().settings.wechat_accounts}
    subjects = {text: subject_name(text) for text in mentioned}
    return subjects | accounts | people
