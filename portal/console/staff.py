"""Staff pages: who may log in, as what, and what they see."""

from flask import flash, render_template, request, url_for
from werkzeug.wrappers import Response

from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.transaction import run
from loyalty.staff import passwords, queries, service
from loyalty.staff.bindings import bound_at
from loyalty.staff.queries import StaffView
from loyalty.staff.rules import ROLE_NAMES, Permission, Role
from portal.console import exports, forms
from portal.console.access import actor, requires
from portal.console.blueprint import blueprint
from portal.console.stores import visible_tree
from portal.context import container
from portal.errors import status_of


@blueprint.get("/staff")
@requires(Permission.STAFF_READ)
def staff_list() -> str:
    """List accounts."""
    return render_template(
        "console/staff_list.html",
        people=_found(),
        role_names=ROLE_NAMES,
        text=forms.text("text"),
        role=forms.optional_choice("role", Role),
        state=forms.text("state"),
    )


@blueprint.get("/staff.csv")
@requires(Permission.STAFF_READ)
def export_staff() -> Response:
    """Download what the filter shows."""
    rows = [
        (
            person.username,
            person.name,
            "、".join(ROLE_NAMES[role] for role in person.roles),
            "、".join(person.scope_names),
            "已开启" if person.has_totp else "",
            person.last_login_at,
            "在用" if person.is_active else "已停用",
        )
        for person in _found()
    ]
    header = ("登录名", "姓名", "角色", "数据范围", "动态口令", "最近登录", "状态")
    return exports.csv_response("staff", header, rows)


@blueprint.get("/staff/new")
@requires(Permission.STAFF_WRITE)
def new_staff() -> str:
    """Show the form for a new account."""
    return _new_form({"username": "", "name": "", "roles": [], "store_ids": []})


@blueprint.post("/staff")
@requires(Permission.STAFF_WRITE)
def create_staff() -> str | tuple[str, int]:
    """Create an account and show its first password once."""
    at, password = container().clock.now(), passwords.generate()
    try:
        username, name = forms.text("username"), forms.text("name")
        roles, store_ids = forms.choices("roles", Role), forms.integers("store_ids")
        person = run(
            container().database,
            lambda session: service.create_staff(
                session,
                username=username,
                name=name,
                password=password,
                roles=roles,
                store_ids=store_ids,
                actor=actor(),
                at=at,
            ),
        )
    except LoyaltyError as error:
        flash(error.message, "danger")
        return _new_form(_typed()), status_of(error)
    return render_template("console/staff_password.html", person=person, password=password)


@blueprint.get("/staff/<int:staff_id>")
@requires(Permission.STAFF_WRITE)
def staff_page(staff_id: int) -> str:
    """Show one account."""
    person, since = run(
        container().database,
        lambda session: (queries.get_staff(session, staff_id=staff_id), bound_at(session, staff_id=staff_id)),
    )
    form = {"name": person.name, "roles": person.roles, "store_ids": person.scope_ids}
    return render_template(
        "console/staff_page.html",
        person=person,
        bound_at=since,
        form=form,
        role_names=ROLE_NAMES,
        nodes=visible_tree(),
    )


@blueprint.post("/staff/<int:staff_id>")
@requires(Permission.STAFF_WRITE)
def update_staff(staff_id: int) -> Response:
    """Change name, roles and scope."""
    at, name = container().clock.now(), forms.text("name")
    roles, store_ids = forms.choices("roles", Role), forms.integers("store_ids")
    return forms.act(
        lambda session: service.update_staff(
            session,
            staff_id=staff_id,
            name=name,
            roles=roles,
            store_ids=store_ids,
            actor=actor(),
            at=at,
        ),
        done="已保存",
        back=url_for("console.staff_page", staff_id=staff_id),
    )


@blueprint.post("/staff/<int:staff_id>/off")
@requires(Permission.STAFF_WRITE)
def switch_staff_off(staff_id: int) -> Response:
    """Switch an account off."""
    return _switch(staff_id, is_active=False, done="已停用")


@blueprint.post("/staff/<int:staff_id>/on")
@requires(Permission.STAFF_WRITE)
def switch_staff_on(staff_id: int) -> Response:
    """Switch an account on again."""
    return _switch(staff_id, is_active=True, done="已启用")


@blueprint.post("/staff/<int:staff_id>/password")
@requires(Permission.STAFF_WRITE)
def reset_staff_password(staff_id: int) -> str:
    """Give an account a new first password and show it once."""
    at = container().clock.now()

    password = run(
        container().database,
        lambda session: service.reset_password(session, staff_id=staff_id, actor=actor(), at=at),
    )
    person = run(container().database, lambda session: queries.get_staff(session, staff_id=staff_id))
    return render_template("console/staff_password.html", person=person, password=password)


@blueprint.post("/staff/<int:staff_id>/second-factor/off")
@requires(Permission.STAFF_WRITE)
def remove_staff_totp(staff_id: int) -> Response:
    """Take an account's second factor away."""
    at = container().clock.now()
    return forms.act(
        lambda session: service.remove_totp(session, staff_id=staff_id, actor=actor(), at=at),
        done="动态口令已关闭",
        back=url_for("console.staff_page", staff_id=staff_id),
    )


def _switch(staff_id: int, *, is_active: bool, done: str) -> Response:
    at = container().clock.now()
    return forms.act(
        lambda session: service.set_active(session, staff_id=staff_id, is_active=is_active, actor=actor(), at=at),
        done=done,
        back=url_for("console.staff_page", staff_id=staff_id),
    )


def _found() -> list[StaffView]:
    text, role, state = forms.text("text"), forms.optional_choice("role", Role), forms.text("state")
    is_active = None if not state else state == "on"
    return run(
        container().database,
        lambda session: queries.list_staff(session, text=text, role=role, is_active=is_active),
    )


def _typed() -> dict[str, object]:
    chosen = set(request.form.getlist("store_ids"))
    ids = [node.id for node in visible_tree() if str(node.id) in chosen]
    return {
        "username": request.form.get("username", ""),
        "name": request.form.get("name", ""),
        "roles": request.form.getlist("roles"),
        "store_ids": ids,
    }


def _new_form(form: dict[str, object]) -> str:
    return render_template("console/staff_form.html", form=form, role_names=ROLE_NAMES, nodes=visible_tree())
