"""Pages of partner keys (接入密钥): which systems may report and ask, and for which stores."""

from collections.abc import Callable

from flask import flash, render_template, request, url_for
from werkzeug.wrappers import Response

from loyalty.approvals.rules import ApprovalView
from loyalty.kernel.database import Session
from loyalty.kernel.errors import Conflict, LoyaltyError
from loyalty.kernel.transaction import run
from loyalty.partners import queries
from loyalty.partners.queries import PartnerKeyView
from loyalty.partners.rules.keys import REQUESTS_PER_MINUTE, KeyChange, KeyDetails
from loyalty.partners.service import key_changes
from loyalty.partners.service import keys as service
from loyalty.staff.rules import Permission
from portal.console import exports, forms
from portal.console.access import actor, requires
from portal.console.actors import names_of
from portal.console.blueprint import blueprint
from portal.console.stores import visible_tree
from portal.context import container
from portal.errors import status_of

CHANGE_NAMES = {
    KeyChange.CREATE: "新增密钥",
    KeyChange.UPDATE: "修改名称、门店范围或请求数",
    KeyChange.ROTATE: "轮换密钥",
    KeyChange.SWITCH_ON: "重新启用",
}
ASKED = "已提交，等待其他管理员复核"


@blueprint.get("/partner-keys")
@requires(Permission.PARTNERS_READ)
def partner_key_list() -> str:
    """List keys."""
    return render_template(
        "console/partner_key_list.html",
        keys=_found(),
        waiting=run(container().database, queries.keys_waiting),
        text=forms.text("text"),
        state=forms.text("state"),
    )


@blueprint.get("/partner-keys.csv")
@requires(Permission.PARTNERS_READ)
def export_partner_keys() -> Response:
    """Download what the filter shows; secrets are nowhere to be read."""
    rows = [
        (
            key.name,
            key.key_id,
            "、".join(key.scope_names),
            key.requests_per_minute,
            key.secret_made_at,
            key.old_secret_ends_at,
            "在用" if key.is_active else "已停用",
        )
        for key in _found()
    ]
    header = ("名称", "密钥编号", "门店范围", "每分钟请求数", "密钥生成时间", "旧密钥有效至", "状态")
    return exports.csv_response("partner-keys", header, rows)


@blueprint.get("/partner-keys/new")
@requires(Permission.PARTNERS_WRITE)
def new_partner_key() -> str:
    """Show the form for a new key."""
    return _new_form({"name": "", "requests_per_minute": REQUESTS_PER_MINUTE, "store_ids": []})


@blueprint.post("/partner-keys")
@requires(Permission.PARTNERS_WRITE)
def create_partner_key() -> str | tuple[str, int]:
    """Make a key and show its secret once; it works once another person has approved it."""
    at = container().clock.now()
    try:
        details = _details()
        key, secret = run(
            container().database,
            lambda session: service.create_key(session, vault=container().vault, details=details, actor=actor(), at=at),
        )
    except LoyaltyError as error:
        flash(error.message, "danger")
        return _new_form(_typed()), status_of(error)
    return render_template("console/partner_key_secret.html", key=key, secret=secret)


@blueprint.get("/partner-keys/<int:partner_key_id>")
@requires(Permission.PARTNERS_WRITE)
def partner_key_page(partner_key_id: int) -> str:
    """Show one key, and the change of it that waits."""
    at = container().clock.now()

    def read(session: Session) -> tuple[PartnerKeyView, ApprovalView | None, dict[str, str]]:
        key = queries.get_key(session, partner_key_id=partner_key_id, at=at)
        waiting = queries.waiting_change(session, partner_key_id=partner_key_id)
        acted = [key.created_by, *([waiting.requested_by] if waiting else [])]
        return key, waiting, names_of(session, acted)

    key, waiting, people = run(container().database, read)
    form = {"name": key.name, "requests_per_minute": key.requests_per_minute, "store_ids": key.scope_ids}
    return render_template(
        "console/partner_key_page.html",
        key=key,
        form=form,
        nodes=visible_tree(),
        waiting=waiting,
        people=people,
        change_names=CHANGE_NAMES,
        is_own=waiting is not None and waiting.requested_by == actor().name,
    )


@blueprint.post("/partner-keys/<int:partner_key_id>")
@requires(Permission.PARTNERS_WRITE)
def update_partner_key(partner_key_id: int) -> Response:
    """Ask for another name, other stores or another rate."""
    at, details = container().clock.now(), _details()
    return _act(
        partner_key_id,
        lambda session: service.propose_update(
            session, partner_key_id=partner_key_id, details=details, actor=actor(), at=at
        ),
        done=ASKED,
    )


@blueprint.post("/partner-keys/<int:partner_key_id>/rotation")
@requires(Permission.PARTNERS_WRITE)
def rotate_partner_key(partner_key_id: int) -> str | tuple[str, int]:
    """Ask for a new secret and show it once; when it is approved, the old one stays good for a week."""
    at = container().clock.now()
    try:
        key, secret = run(
            container().database,
            lambda session: service.propose_rotation(
                session, vault=container().vault, partner_key_id=partner_key_id, actor=actor(), at=at
            ),
        )
    except Conflict as error:
        flash(error.message, "danger")
        return partner_key_page(partner_key_id), status_of(error)
    return render_template("console/partner_key_secret.html", key=key, secret=secret)


@blueprint.post("/partner-keys/<int:partner_key_id>/approval")
@requires(Permission.PARTNERS_WRITE)
def approve_partner_key(partner_key_id: int) -> Response:
    """Approve the change that waits; never one's own."""
    return _decide(partner_key_id, is_approved=True, done="已通过，变更已生效")


@blueprint.post("/partner-keys/<int:partner_key_id>/refusal")
@requires(Permission.PARTNERS_WRITE)
def refuse_partner_key(partner_key_id: int) -> Response:
    """Refuse the change that waits; never one's own."""
    return _decide(partner_key_id, is_approved=False, done="已拒绝，变更不会生效")


@blueprint.post("/partner-keys/<int:partner_key_id>/old-secret/end")
@requires(Permission.PARTNERS_WRITE)
def end_old_partner_secret(partner_key_id: int) -> Response:
    """End the secret before the current one."""
    at = container().clock.now()
    return _act(
        partner_key_id,
        lambda session: service.end_old_secret(session, partner_key_id=partner_key_id, actor=actor(), at=at),
        done="旧密钥已停用",
    )


@blueprint.post("/partner-keys/<int:partner_key_id>/off")
@requires(Permission.PARTNERS_WRITE)
def switch_partner_key_off(partner_key_id: int) -> Response:
    """Switch a key off."""
    at = container().clock.now()
    return _act(
        partner_key_id,
        lambda session: service.switch_off(session, partner_key_id=partner_key_id, actor=actor(), at=at),
        done="已停用",
    )


@blueprint.post("/partner-keys/<int:partner_key_id>/on")
@requires(Permission.PARTNERS_WRITE)
def switch_partner_key_on(partner_key_id: int) -> Response:
    """Ask for a key to work again."""
    at = container().clock.now()
    return _act(
        partner_key_id,
        lambda session: service.propose_switching_on(session, partner_key_id=partner_key_id, actor=actor(), at=at),
        done=ASKED,
    )


def _decide(partner_key_id: int, *, is_approved: bool, done: str) -> Response:
    at = container().clock.now()
    return _act(
        partner_key_id,
        lambda session: key_changes.decide_change(
            session, partner_key_id=partner_key_id, is_approved=is_approved, actor=actor(), at=at
        ),
        done=done,
    )


def _act(partner_key_id: int, work: Callable[[Session], object], *, done: str) -> Response:
    return forms.act(work, done=done, back=url_for("console.partner_key_page", partner_key_id=partner_key_id))


def _details() -> KeyDetails:
    return KeyDetails(
        name=forms.text("name"),
        requests_per_minute=forms.integer("requests_per_minute"),
        store_ids=frozenset(forms.integers("store_ids")),
    )


def _found() -> list[PartnerKeyView]:
    text, state, at = forms.text("text"), forms.text("state"), container().clock.now()
    is_active = None if not state else state == "on"
    return run(container().database, lambda session: queries.list_keys(session, text=text, is_active=is_active, at=at))


def _typed() -> dict[str, object]:
    chosen = set(request.form.getlist("store_ids"))
    typed = {name: request.form.get(name, "") for name in ("name", "requests_per_minute")}
    return {**typed, "store_ids": [node.id for node in visible_tree() if str(node.id) in chosen]}


def _new_form(form: dict[str, object]) -> str:
    return render_template("console/partner_key_form.html", form=form, nodes=visible_tree())
