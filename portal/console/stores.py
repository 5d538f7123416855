"""Store pages: the tree as far as the caller sees it, and changes to it."""

from collections.abc import Collection, Sequence

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.transaction import run
from loyalty.staff.rules import Permission
from loyalty.stores import queries, service
from loyalty.stores.queries import StoreNode
from loyalty.stores.rules import KIND_NAMES, StoreKind
from portal.console import exports, forms
from portal.console.access import actor, current_scope, requires, seen_stores
from portal.console.blueprint import blueprint
from portal.context import container
from portal.errors import status_of

FORM_FIELDS = ("kind", "parent_id", "code", "name", "address")


@blueprint.get("/stores")
@requires(Permission.STORES_READ)
def store_list() -> str:
    """Show the tree."""
    text, state = forms.text("text"), forms.text("state")
    return render_template(
        "console/store_list.html",
        nodes=_found(text, state),
        kind_names=KIND_NAMES,
        text=text,
        state=state,
    )


@blueprint.get("/stores.csv")
@requires(Permission.STORES_READ)
def export_stores() -> Response:
    """Download what the filter shows."""
    rows = [
        (node.code, node.name, KIND_NAMES[node.kind], node.address, "营业" if node.is_open else "已停业")
        for node in _found(forms.text("text"), forms.text("state"))
    ]
    return exports.csv_response("stores", ("编码", "名称", "类型", "地址", "状态"), rows)


@blueprint.get("/stores/new")
@requires(Permission.STORES_WRITE)
def new_store() -> str:
    """Show the form for a new node."""
    return _form({"kind": StoreKind.STORE.value})


@blueprint.post("/stores")
@requires(Permission.STORES_WRITE)
def create_store() -> Response | tuple[str, int]:
    """Add a node."""
    at = container().clock.now()
    try:
        kind = forms.parsed_choice("kind", forms.text("kind"), StoreKind)
        code, name, address = forms.text("code"), forms.text("name"), forms.text("address")
        parent_id = _visible(forms.integer("parent_id"))
        store = run(
            container().database,
            lambda session: service.create_store(
                session,
                kind=kind,
                parent_id=parent_id,
                code=code,
                name=name,
                address=address,
                actor=actor(),
                at=at,
            ),
        )
    except LoyaltyError as error:
        flash(error.message, "danger")
        return _form({name: request.form.get(name, "") for name in FORM_FIELDS}), status_of(error)
    flash(f"已新增：{store.name}", "success")
    return redirect(url_for("console.store_list"), 303)


@blueprint.get("/stores/<int:store_id>")
@requires(Permission.STORES_WRITE)
def store_page(store_id: int) -> str:
    """Show one node."""
    _visible(store_id)
    store = run(container().database, lambda session: queries.get_store(session, store_id=store_id))
    return render_template("console/store_page.html", store=store, kind_names=KIND_NAMES)


@blueprint.post("/stores/<int:store_id>")
@requires(Permission.STORES_WRITE)
def rename_store(store_id: int) -> Response:
    """Change name and address."""
    _visible(store_id)
    name, address, at = forms.text("name"), forms.text("address"), container().clock.now()
    return forms.act(
        lambda session: service.rename_store(
            session, store_id=store_id, name=name, address=address, actor=actor(), at=at
        ),
        done="已保存",
        back=url_for("console.store_page", store_id=store_id),
    )


@blueprint.post("/stores/<int:store_id>/close")
@requires(Permission.STORES_WRITE)
def close_store(store_id: int) -> Response:
    """Close a node."""
    _visible(store_id)
    at = container().clock.now()
    return forms.act(
        lambda session: service.close_store(session, store_id=store_id, actor=actor(), at=at),
        done="已停业",
        back=url_for("console.store_page", store_id=store_id),
    )


@blueprint.post("/stores/<int:store_id>/reopen")
@requires(Permission.STORES_WRITE)
def reopen_store(store_id: int) -> Response:
    """Open a closed node again."""
    _visible(store_id)
    at = container().clock.now()
    return forms.act(
        lambda session: service.reopen_store(session, store_id=store_id, actor=actor(), at=at),
        done="已恢复营业",
        back=url_for("console.store_page", store_id=store_id),
    )


def chosen_store_ids() -> Collection[int] | None:
    """Return the stores that the filter ``store_id`` leaves: its branch, cut to the caller's scope; None for all.

    Raises:
        StoreNotFound: the branch is not within the scope.
    """
    scope, chosen = current_scope(), forms.optional_integer("store_id")
    if chosen is None:
        return seen_stores()
    if not scope.covers(chosen):
        raise queries.StoreNotFound
    branch = run(container().database, lambda session: queries.scope_of(session, roots=[chosen]))
    return None if branch.is_chain_wide else branch.store_ids


def visible_tree() -> Sequence[StoreNode]:
    """Return the nodes that the caller sees."""
    scope = current_scope()
    return run(container().database, lambda session: queries.list_tree(session, scope=scope))


def _visible(store_id: int) -> int:
    if not current_scope().covers(store_id):
        raise queries.StoreNotFound
    return store_id


def _found(text: str, state: str) -> list[StoreNode]:
    wanted = text.lower()
    return [
        node
        for node in visible_tree()
        if wanted in f"{node.name} {node.code}".lower() and (not state or node.is_open == (state == "open"))
    ]


def _form(form: dict[str, str]) -> str:
    parents = [node for node in visible_tree() if node.kind != StoreKind.STORE and node.is_open]
    kinds = [(kind, KIND_NAMES[kind]) for kind in (StoreKind.STORE, StoreKind.REGION)]
    if not parents:
        kinds.append((StoreKind.HEADQUARTERS, KIND_NAMES[StoreKind.HEADQUARTERS]))
    return render_template("console/store_form.html", form=form, kinds=kinds, parents=parents, kind_names=KIND_NAMES)
