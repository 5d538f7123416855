"""The member list: filters, export, and the search for one person.

A phone or a member number is searched by POST: an address with it would stand in logs.
"""

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from flask import flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from loyalty.kernel import audit
from loyalty.kernel.pagination import PAGE_SIZE, PAGE_SIZE_MAX, Page
from loyalty.kernel.transaction import run
from loyalty.members import queries
from loyalty.members.queries import MemberView
from loyalty.members.rules.members import MemberNotFound, MemberStatus
from loyalty.members.rules.numbers import is_number
from loyalty.members.rules.phones import PhoneInvalid, normalise_phone
from loyalty.staff.rules import Permission
from loyalty.stores import queries as stores
from portal.console import exports, forms, paging
from portal.console.access import actor, current_scope, requires
from portal.console.blueprint import blueprint
from portal.console.member_names import STATUS_COLOURS, STATUS_NAMES
from portal.console.stores import chosen_store_ids, visible_tree
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

EXPORT_ROWS_MAX = 20_000


@blueprint.get("/members")
@requires(Permission.MEMBERS_READ)
def member_list() -> str:
    """List the members that the caller may see, newest first."""
    cursor, store_ids = paging.cursor(), chosen_store_ids()
    page = run(
        container().database,
        lambda session: _page(session, store_ids, cursor=cursor, limit=PAGE_SIZE),
    )
    return render_template(
        "console/member_list.html",
        page=page,
        is_first=cursor is None,
        address=paging.address,
        status=forms.text("status"),
        store_id=forms.text("store_id"),
        status_names=STATUS_NAMES,
        status_colours=STATUS_COLOURS,
        nodes=visible_tree(),
        store_names=_store_names(page.items),
    )


@blueprint.post("/members/find")
@requires(Permission.MEMBERS_READ)
def find_member() -> Response:
    """Lead to the member with this phone or number."""
    member = _found(forms.text("who"))
    if member is None or not current_scope().covers(member.enrolled_store_id):
        flash("没有找到该会员，或不在您的数据范围内", "warning")
        return redirect(url_for("console.member_list"), 303)
    return redirect(url_for("console.member_page", member_id=member.id), 303)


@blueprint.post("/members/export")
@requires(Permission.MEMBERS_EXPORT)
def export_members() -> Response:
    """Download what the filter shows, masked; who took how many is audited."""
    store_ids, at = chosen_store_ids(), container().clock.now()
    members = list(_all(store_ids))
    names = _store_names(members)
    taken = {"rows": len(members), "status": forms.text("status"), "store_id": forms.text("store_id")}
    run(
        container().database,
        lambda session: audit.write(
            session,
            actor=actor(),
            action="members.export",
            subject="members",
            after=taken,
            at=at,
        ),
    )
    rows = (
        (
            member.number,
            STATUS_NAMES[member.status],
            member.phone_masked,
            names.get(member.enrolled_store_id or 0),
            member.enrolled_at,
            member.last_active_at,
        )
        for member in members
    )
    header = ("会员号", "状态", "手机号", "入会门店", "入会时间", "最近活跃")
    return exports.csv_response("members", header, rows)


def visible_member(session: "Session", *, member_id: int) -> MemberView:
    """Return a member within the caller's scope.

    Raises:
        MemberNotFound: there is none with this id, or not for this caller.
    """
    member = queries.get_member(session, vault=container().vault, member_id=member_id)
    if not current_scope().covers(member.enrolled_store_id):
        raise MemberNotFound(member_id=member_id)
    return member


def _found(who: str) -> MemberView | None:
    """Return the member with this number or phone; ten digits may be either."""
    database, vault = container().database, container().vault
    if is_number(who):
        member = run(database, lambda session: queries.find_by_number(session, vault=vault, number=who))
        if member is not None:
            return member
    try:
        phone = normalise_phone(who)
    except PhoneInvalid:
        return None
    return run(database, lambda session: queries.find_by_phone(session, vault=vault, phone=phone))


def _page(session: "Session", store_ids: Collection[int] | None, *, cursor: str | None, limit: int) -> Page[MemberView]:
    return queries.list_members(
        session,
        vault=container().vault,
        store_ids=store_ids,
        status=forms.optional_choice("status", MemberStatus),
        cursor=cursor,
        limit=limit,
    )


def _all(store_ids: Collection[int] | None) -> Iterator[MemberView]:
    cursor: str | None = None
    for _ in range(EXPORT_ROWS_MAX // PAGE_SIZE_MAX):
        page = run(
            container().database,
            lambda session, cursor=cursor: _page(  # type: ignore[misc]
                session, store_ids, cursor=cursor, limit=PAGE_SIZE_MAX
            ),
        )
        yield from page.items
        cursor = page.next_cursor
        if cursor is None:
            return


def _store_names(members: Collection[MemberView]) -> dict[int, str]:
    ids = {member.enrolled_store_id for member in members if member.enrolled_store_id}
    return run(container().database, lambda session: stores.names(session, ids))
