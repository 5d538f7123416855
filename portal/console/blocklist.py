"""The blocklist (黑名单): members, phones, devices and addresses that gain nothing, until when and why.

What is blocked of a phone, a device or an address is kept as a blind index: it is found by typing it, never shown.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import redirect, url_for
from werkzeug.wrappers import Response

from loyalty.kernel.errors import NotFound
from loyalty.kernel.pagination import Page
from loyalty.kernel.transaction import run
from loyalty.members import queries as members
from loyalty.members.rules.members import MemberNotFound
from loyalty.members.rules.phones import normalise_phone
from loyalty.risk import service
from loyalty.risk.queries.blocklist import BlockView, find_latest_block, list_blocks
from loyalty.risk.queries.decisions import get_decision
from loyalty.risk.rules.blocks import BlockKind, Target
from loyalty.risk.service.sighting import DEVICE, IP, PHONE
from loyalty.staff.rules import Permission
from portal.console import exports, forms, risk_names, steps
from portal.console.access import actor, for_the_chain, requires
from portal.console.actors import names_of
from portal.console.blueprint import blueprint
from portal.console.lists import list_page
from portal.console.personal_exports import export_personal
from portal.context import container

if TYPE_CHECKING:
    from datetime import datetime

    from loyalty.kernel.database import Session

LIVE, ENDED = "live", "ended"
LIVE_NAMES = {LIVE: "生效中", ENDED: "已失效"}
FILTERS = ("kind", "member_id", "same_as", "is_live")
HEADER = ("编号", "对象", "会员号", "理由", "加入人", "加入时间", "截止", "移出人", "移出时间")
_NO_BLOCK = 0
"""What nothing is the same as."""
_CONTEXTS = {BlockKind.PHONE: PHONE, BlockKind.DEVICE: DEVICE, BlockKind.IP: IP}


class NothingSeen(NotFound):
    """The member was seen on no device, or at no address, that could be blocked."""

    code = "nothing_seen_to_block"
    message = "没有这位会员用过的设备或网络地址，可改为将会员本人加入黑名单"


@blueprint.get("/blocklist")
@requires(Permission.RISK_READ)
def blocklist() -> str:
    """List blocks, the newest first."""
    for_the_chain()
    return list_page(
        "console/blocklist.html",
        _views(),
        named=_named,
        filters=FILTERS,
        at=container().clock.now(),
        live_names=LIVE_NAMES,
        names=risk_names,
    )


@blueprint.post("/blocklist/find")
@requires(Permission.RISK_READ)
def find_block() -> Response:
    """Lead to the blocks of what was typed; by POST, since an address with a phone would stand in logs."""
    for_the_chain()
    kind, value = forms.parsed_choice("kind", forms.text("kind"), BlockKind), forms.text("value")
    if kind is BlockKind.MEMBER:
        member_id = run(container().database, lambda session: _member_id(session, value))
        return redirect(url_for("console.blocklist", member_id=member_id), 303)
    typed = normalise_phone(value) if kind is BlockKind.PHONE else value
    index = container().vault.index(typed, context=_CONTEXTS[kind])
    found = run(container().database, lambda session: find_latest_block(session, kind=kind, value_index=index))
    return redirect(url_for("console.blocklist", same_as=found or _NO_BLOCK), 303)


@blueprint.post("/blocklist/export")
@requires(Permission.RISK_WRITE)
def export_blocklist() -> Response:
    """Download what the filter shows; who took it is audited."""
    for_the_chain()
    read = exports.as_rows(_views(), _row, named=_named)
    return export_personal("blocklist", HEADER, read, action="risk.export_blocks", subject="risk_blocks")


@blueprint.post("/blocklist")
@requires(Permission.RISK_DECIDE)
def block() -> Response:
    """Put somebody or something on the blocklist."""
    for_the_chain()
    kind, value, reason = forms.parsed_choice("kind", forms.text("kind"), BlockKind), forms.text("value"), _reason()
    expires_at, at = _ends(), container().clock.now()

    def work(session: "Session") -> None:
        target = Target(kind, str(_member_id(session, value)) if kind is BlockKind.MEMBER else value)
        service.block(
            session,
            vault=container().vault,
            target=target,
            reason=reason,
            expires_at=expires_at,
            actor=actor(),
            at=at,
        )

    return forms.act(work, done="已加入黑名单", back=url_for("console.blocklist"))


@blueprint.post("/risk/<int:decision_id>/block")
@requires(Permission.RISK_DECIDE)
def block_where_seen(decision_id: int) -> Response:
    """Block the member of a decision, all their devices, or the addresses where they were seen."""
    for_the_chain()
    kind, reason = forms.parsed_choice("kind", forms.text("kind"), BlockKind), _reason()
    expires_at, at, who = _ends(), container().clock.now(), actor()

    def work(session: "Session") -> None:
        member_id = get_decision(session, decision_id=decision_id).member_id
        if member_id is None:
            raise MemberNotFound
        if kind is BlockKind.MEMBER or expires_at is None:
            target = Target(kind, str(member_id))
            service.block(
                session,
                vault=container().vault,
                target=target,
                reason=reason,
                expires_at=expires_at,
                actor=who,
                at=at,
            )
            return
        if not service.block_where_seen(
            session, member_id=member_id, kind=kind, reason=reason, expires_at=expires_at, actor=who, at=at
        ):
            raise NothingSeen

    back = url_for("console.risk_decision", decision_id=decision_id)
    return forms.act(work, done="已加入黑名单", back=back)


@blueprint.post("/blocklist/<int:block_id>/lift")
@requires(Permission.RISK_DECIDE)
def unblock(block_id: int) -> Response:
    """Take something off the blocklist."""
    for_the_chain()
    return steps.take(
        partial(service.unblock, block_id=block_id, reason=_reason()),
        done="已移出黑名单",
        back=url_for("console.blocklist"),
    )


def _views() -> Callable[..., Page[BlockView]]:
    wanted = forms.text("is_live")
    if wanted and wanted not in LIVE_NAMES:
        raise forms.InvalidField(field="is_live")
    return partial(
        list_blocks,
        at=container().clock.now(),
        kind=forms.optional_choice("kind", BlockKind),
        member_id=forms.optional_integer("member_id"),
        is_live=wanted == LIVE if wanted else None,
        same_as=forms.optional_integer("same_as"),
    )


def _named(session: "Session", views: Sequence[BlockView]) -> dict[str, dict[Any, str]]:
    mentioned = {name for view in views for name in (view.blocked_by, view.lifted_by)}
    return {
        "numbers": members.numbers(session, {view.member_id for view in views if view.member_id is not None}),
        "people": names_of(session, mentioned),
    }


def _member_id(session: "Session", number: str) -> int:
    found = members.find_by_number(session, vault=container().vault, number=number)
    if found is None:
        raise MemberNotFound
    return found.id


def _reason() -> str:
    return forms.text("reason")


def _ends() -> "datetime | None":
    last_on = forms.optional_day("last_on")
    return None if last_on is None else forms.end_of_day("last_on", last_on, container().zone)


def _row(view: BlockView, *, numbers: dict[int, str], people: dict[str, str]) -> exports.Row:
    return (
        view.id,
        risk_names.KIND_NAMES[view.kind],
        numbers.get(view.member_id or 0),
        view.reason,
        people.get(view.blocked_by, view.blocked_by),
        view.blocked_at,
        view.expires_at,
        people.get(view.lifted_by or "", view.lifted_by),
        view.lifted_at,
    )
