"""Tag pages (标签): the list, one tag with the members that have it, and changes to it.

Tags hold for the whole chain, so only those who see all of it make and change them; of a tag's members everybody
sees the own ones.
"""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from loyalty.kernel import audit
from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.pagination import PAGE_SIZE, PAGE_SIZE_MAX, Page
from loyalty.kernel.transaction import run
from loyalty.staff.rules import Permission
from loyalty.tags import queries, service
from loyalty.tags.queries import TaggedMember, TagView
from loyalty.tags.rules.tags import NAME_LENGTH_MAX, NOTE_LENGTH_MAX
from portal.console import exports, forms, paging
from portal.console.access import actor, for_the_chain, requires, seen_stores
from portal.console.actors import names_of
from portal.console.blueprint import blueprint
from portal.console.member_names import STATUS_COLOURS, STATUS_NAMES
from portal.context import container
from portal.errors import status_of

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

_LENGTHS = {"name_length_max": NAME_LENGTH_MAX, "note_length_max": NOTE_LENGTH_MAX}


@blueprint.get("/tags")
@requires(Permission.MEMBERS_READ)
def tag_list() -> str:
    """List tags by name."""
    return render_template("console/tag_list.html", tags=_found(), text=forms.text("text"), state=forms.text("state"))


@blueprint.get("/tags.csv")
@requires(Permission.MEMBERS_READ)
def export_tags() -> Response:
    """Download what the filter shows."""
    rows = [
        (tag.name, tag.note, tag.members, "已停用" if tag.is_archived else "在用", tag.created_at) for tag in _found()
    ]
    return exports.csv_response("tags", ("标签", "说明", "会员数", "状态", "建立时间"), rows)


@blueprint.get("/tags/new")
@requires(Permission.MEMBERS_TAG)
def new_tag() -> str:
    """Show the form for a new tag."""
    for_the_chain()
    return render_template("console/tag_form.html", form={}, **_LENGTHS)


@blueprint.post("/tags")
@requires(Permission.MEMBERS_TAG)
def create_tag() -> Response | tuple[str, int]:
    """Make a tag."""
    for_the_chain()
    at = container().clock.now()
    try:
        name, note = forms.text("name"), forms.text("note")
        tag_id = run(
            container().database,
            lambda session: service.create_tag(session, name=name, note=note, actor=actor(), at=at),
        )
    except LoyaltyError as error:
        flash(error.message, "danger")
        form = {field: request.form.get(field, "") for field in ("name", "note")}
        return render_template("console/tag_form.html", form=form, **_LENGTHS), status_of(error)
    flash(f"已新增：{name}", "success")
    return redirect(_page_of(tag_id), 303)


@blueprint.get("/tags/<int:tag_id>")
@requires(Permission.MEMBERS_READ)
def tag_page(tag_id: int) -> str:
    """Show a tag and those of its members whom the caller may see."""
    cursor, store_ids = paging.cursor(), seen_stores()

    def read(session: "Session") -> dict[str, Any]:
        page = _members(session, tag_id, store_ids, cursor=cursor, limit=PAGE_SIZE)
        return {
            "tag": queries.get_tag(session, tag_id=tag_id, store_ids=store_ids),
            "page": page,
            "actors": names_of(session, (one.tagged_by for one in page.items)),
        }

    return render_template(
        "console/tag_page.html",
        is_first=cursor is None,
        address=paging.address,
        status_names=STATUS_NAMES,
        status_colours=STATUS_COLOURS,
        **_LENGTHS,
        **run(container().database, read),
    )


@blueprint.post("/tags/<int:tag_id>")
@requires(Permission.MEMBERS_TAG)
def rename_tag(tag_id: int) -> Response:
    """Change name and note."""
    for_the_chain()
    name, note, at = forms.text("name"), forms.text("note"), container().clock.now()
    return forms.act(
        lambda session: service.rename_tag(session, tag_id=tag_id, name=name, note=note, actor=actor(), at=at),
        done="已保存",
        back=_page_of(tag_id),
    )


@blueprint.post("/tags/<int:tag_id>/archive")
@requires(Permission.MEMBERS_TAG)
def archive_tag(tag_id: int) -> Response:
    """Put a tag on nobody any more."""
    for_the_chain()
    at = container().clock.now()
    return forms.act(
        lambda session: service.archive_tag(session, tag_id=tag_id, actor=actor(), at=at),
        done="已停用",
        back=_page_of(tag_id),
    )


@blueprint.post("/tags/<int:tag_id>/restore")
@requires(Permission.MEMBERS_TAG)
def restore_tag(tag_id: int) -> Response:
    """Take an archived tag back into use."""
    for_the_chain()
    at = container().clock.now()
    return forms.act(
        lambda session: service.restore_tag(session, tag_id=tag_id, actor=actor(), at=at),
        done="已恢复使用",
        back=_page_of(tag_id),
    )


@blueprint.post("/tags/<int:tag_id>/members/export")
@requires(Permission.MEMBERS_EXPORT)
def export_tag_members(tag_id: int) -> Response:
    """Download who has a tag, masked, however many they are; who took how many is audited."""
    store_ids, at = seen_stores(), container().clock.now()

    def note(session: "Session") -> None:
        taken = {"rows": queries.get_tag(session, tag_id=tag_id, store_ids=store_ids).members}
        audit.write(session, actor=actor(), action="tags.export_members", subject=f"tag:{tag_id}", after=taken, at=at)

    run(container().database, note)
    header = ("会员号", "状态", "手机号", "打标签时间")
    return exports.streamed_list(
        f"tag-{tag_id}", header, lambda session, cursor: _rows(session, tag_id, store_ids, cursor)
    )


def _rows(session: "Session", tag_id: int, store_ids: Collection[int] | None, cursor: str | None) -> Page[exports.Row]:
    page = _members(session, tag_id, store_ids, cursor=cursor, limit=PAGE_SIZE_MAX)
    rows = [
        (one.member.number, STATUS_NAMES[one.member.status], one.member.phone_masked, one.tagged_at)
        for one in page.items
    ]
    return Page(rows, page.next_cursor)


def _members(
    session: "Session", tag_id: int, store_ids: Collection[int] | None, *, cursor: str | None, limit: int
) -> Page[TaggedMember]:
    vault = container().vault
    return queries.list_tagged(session, vault=vault, tag_id=tag_id, store_ids=store_ids, cursor=cursor, limit=limit)


def _found() -> Sequence[TagView]:
    text, state, store_ids = forms.text("text"), forms.text("state"), seen_stores()
    return run(
        container().database,
        lambda session: queries.list_tags(
            session, text=text, is_archived=state == "archived" if state else None, store_ids=store_ids
        ),
    )


def _page_of(tag_id: int) -> str:
    return url_for("console.tag_page", tag_id=tag_id)
