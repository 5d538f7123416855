"""Accounts of staff, as an administrator manages them; nobody can lock the last administrator out."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy import insert as plain_insert
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.kernel.database import Json
from loyalty.kernel.errors import Conflict
from loyalty.staff import passwords, queries, rules
from loyalty.staff.models import StaffAccount, StaffRole, StaffScope
from loyalty.staff.queries import StaffView
from loyalty.staff.rules import Role
from loyalty.staff.service import bindings, login
from loyalty.stores import queries as stores


class UsernameTaken(Conflict):
    """Another account has this log-in name."""

    code = "username_taken"
    message = "登录名已被使用"


class LastAdministrator(Conflict):
    """Without this account nobody could manage staff."""

    code = "last_administrator"
    message = "至少要保留一名在用的总部管理员"


class OwnAccount(Conflict):
    """Nobody switches their own account off or changes their own roles."""

    code = "own_staff_account"
    message = "不能停用自己或修改自己的角色，请由其他管理员操作"


def create_staff(
    session: Session,
    *,
    username: str,
    name: str,
    password: str,
    roles: Collection[Role],
    store_ids: Collection[int],
    must_change_password: bool = True,
    actor: Actor,
    at: datetime,
) -> StaffView:
    """Create an account with its roles and the part of the store tree it sees.

    Raises:
        InvalidUsername, InvalidStaffName, WeakPassword, RoleRequired: what was typed does not fit.
        StoreNotFound: a node of the scope does not exist.
        UsernameTaken: the log-in name is in use.
    """
    username, name = rules.normal_username(username), name.strip()
    rules.check_account(username=username, name=name)
    rules.check_password(password, username=username)
    made = insert(StaffAccount).values(
        username=username,
        name=name,
        password_hash=passwords.hash_password(password),
        must_change_password=must_change_password,
        created_at=at,
        password_changed_at=at,
    )
    staff_id = session.scalar(made.on_conflict_do_nothing().returning(StaffAccount.id))
    if staff_id is None:
        raise UsernameTaken
    _grant(session, staff_id=staff_id, roles=roles, store_ids=store_ids)
    view = queries.get_staff(session, staff_id=staff_id)
    _audit(session, staff_id, "staff.create", before=None, after=_picture(view), actor=actor, at=at)
    return view


def update_staff(
    session: Session,
    *,
    staff_id: int,
    name: str,
    roles: Collection[Role],
    store_ids: Collection[int],
    actor: Actor,
    at: datetime,
) -> StaffView:
    """Change the name, roles and scope of an account.

    Raises:
        StaffNotFound, StoreNotFound: there is no such account or node.
        InvalidStaffName, RoleRequired: what was typed does not fit.
        OwnAccount: somebody changes their own roles or scope.
        LastAdministrator: no other active administrator would be left.
    """
    before = queries.get_staff(session, staff_id=staff_id)
    name = name.strip()
    rules.check_account(username=before.username, name=name)
    is_regrant = set(roles) != set(before.roles) or set(store_ids) != set(before.scope_ids)
    if is_regrant and actor.name == rules.actor_name(staff_id):
        raise OwnAccount
    if Role.HEADQUARTERS_ADMIN not in roles:
        _require_other_administrator(session, staff_id=staff_id)
    queries.get_account(session, staff_id=staff_id).name = name
    session.flush()
    if is_regrant:
        session.execute(delete(StaffRole).where(StaffRole.staff_id == staff_id))
        session.execute(delete(StaffScope).where(StaffScope.staff_id == staff_id))
        _grant(session, staff_id=staff_id, roles=roles, store_ids=store_ids)
    view = queries.get_staff(session, staff_id=staff_id)
    _audit(session, staff_id, "staff.update", before=_picture(before), after=_picture(view), actor=actor, at=at)
    return view


def set_active(session: Session, *, staff_id: int, is_active: bool, actor: Actor, at: datetime) -> None:
    """Switch an account off, which ends its sessions and unbinds its WeChat at once, or on again.

    Raises:
        StaffNotFound: there is no such account.
        OwnAccount: somebody switches their own account off.
        LastAdministrator: no other active administrator would be left.
    """
    account = queries.get_account(session, staff_id=staff_id)
    if account.is_active == is_active:
        return
    if not is_active:
        if actor.name == rules.actor_name(staff_id):
            raise OwnAccount
        _require_other_administrator(session, staff_id=staff_id)
        login.revoke_sessions(session, staff_id=staff_id, at=at)
    account.is_active = is_active
    session.flush()
    if not is_active:
        # After the account is held, so that nobody binds it meanwhile.
        bindings.revoke(session, staff_id=staff_id, actor=actor, at=at)
    _audit(
        session,
        staff_id,
        "staff.switch_on" if is_active else "staff.switch_off",
        before={"is_active": not is_active},
        after={"is_active": is_active},
        actor=actor,
        at=at,
    )


def reset_password(session: Session, *, staff_id: int, actor: Actor, at: datetime) -> str:
    """Give an account a new first password, told once and changed at the next log-in.

    Raises:
        StaffNotFound: there is no such account.
    """
    account = queries.get_account(session, staff_id=staff_id)
    password = passwords.generate()
    account.password_hash = passwords.hash_password(password)
    account.must_change_password = True
    account.password_changed_at = at
    login.revoke_sessions(session, staff_id=staff_id, at=at)
    _audit(session, staff_id, "staff.reset_password", before=None, after=None, actor=actor, at=at)
    return password


def _grant(session: Session, *, staff_id: int, roles: Collection[Role], store_ids: Collection[int]) -> None:
    if not roles or not store_ids:
        raise rules.RoleRequired
    for store_id in store_ids:
        stores.get_store(session, store_id=store_id)
    session.execute(plain_insert(StaffRole), [{"staff_id": staff_id, "role": role} for role in set(roles)])
    session.execute(
        plain_insert(StaffScope),
        [{"staff_id": staff_id, "store_id": store_id} for store_id in set(store_ids)],
    )


def _require_other_administrator(session: Session, *, staff_id: int) -> None:
    administrators = (
        select(StaffAccount.id)
        .join(StaffRole, StaffRole.staff_id == StaffAccount.id)
        .where(StaffRole.role == Role.HEADQUARTERS_ADMIN, StaffAccount.is_active)
        .order_by(StaffAccount.id)
    )
    # Locked in one order, so that two administrators cannot switch each other off at once; then
    # read again, because whoever held the locks may have changed who is one.
    session.execute(administrators.with_for_update(of=StaffAccount))
    if list(session.scalars(administrators)) == [staff_id]:
        raise LastAdministrator


def _picture(view: StaffView) -> Json:
    return {
        "username": view.username,
        "name": view.name,
        "roles": list(view.roles),
        "store_ids": sorted(view.scope_ids),
    }


def _audit(
    session: Session,
    staff_id: int,
    action: str,
    *,
    before: Json | None,
    after: Json | None,
    actor: Actor,
    at: datetime,
) -> None:
    audit.write(
        session,
        actor=actor,
        action=action,
        subject=rules.actor_name(staff_id),
        before=before,
        after=after,
        at=at,
    )
