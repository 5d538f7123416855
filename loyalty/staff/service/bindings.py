"""Binding an account to a WeChat (绑定微信): by a link that is good once and for minutes, shown in the back office.

An account has one WeChat at most, and a WeChat one account. Switching the account off unbinds it.
"""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.kernel.errors import Conflict
from loyalty.staff import queries
from loyalty.staff.models import StaffAccount, StaffBinding, StaffBindingLink
from loyalty.staff.rules import actor_name

LINK_LIFETIME = timedelta(minutes=10)
_TOKEN_BYTES = 24


class StaffBindingLinkInvalid(Conflict):
    """The link was used, replaced by another, or is older than ten minutes; or its account was switched off."""

    code = "staff_binding_link_invalid"
    message = "绑定链接无效或已过期，请在后台重新生成"


class StaffAlreadyBound(Conflict):
    """The account has a WeChat already."""

    code = "staff_already_bound"
    message = "该员工已绑定微信，更换微信请先解绑"


class WechatAlreadyBound(Conflict):
    """This WeChat belongs to another account."""

    code = "wechat_already_bound"
    message = "本微信已绑定其他员工，请先解绑"


class StaffNotBound(Conflict):
    """The account has no WeChat."""

    code = "staff_not_bound"
    message = "该员工没有绑定微信"


class StaffSwitchedOff(Conflict):
    """The account is not in use."""

    code = "staff_switched_off"
    message = "该员工已停用，不能绑定微信"


def make_link(session: Session, *, staff_id: int, actor: Actor, at: datetime) -> str:
    """Return a token that binds the account once, within ten minutes; the one before it is good no more.

    Raises:
        StaffNotFound: there is no such account.
        StaffSwitchedOff: the account is not in use.
        StaffAlreadyBound: it has a WeChat.
    """
    if not queries.get_account(session, staff_id=staff_id).is_active:
        raise StaffSwitchedOff
    if session.get(StaffBinding, staff_id) is not None:
        raise StaffAlreadyBound
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    fresh = {"token_hash": queries.token_hash(token), "expires_at": at + LINK_LIFETIME}
    session.execute(
        insert(StaffBindingLink)
        .values(staff_id=staff_id, **fresh)
        .on_conflict_do_update(index_elements=[StaffBindingLink.staff_id], set_=fresh)
    )
    audit.write(session, actor=actor, action="staff.make_binding_link", subject=actor_name(staff_id), at=at)
    return token


def bind(
    session: Session, *, token: str, appid: str, openid: str, at: datetime, ip: str | None, request_id: str | None
) -> int:
    """Bind whom a link names to the WeChat in which it was opened; return the account.

    Raises:
        StaffBindingLinkInvalid: the link is good no more.
        StaffAlreadyBound, WechatAlreadyBound: one of the two belongs to another.
    """
    is_this = StaffBindingLink.token_hash == queries.token_hash(token)
    staff_id = session.scalar(select(StaffBindingLink.staff_id).where(is_this, StaffBindingLink.expires_at > at))
    if staff_id is None or not _hold_active(session, staff_id):
        raise StaffBindingLinkInvalid
    if session.scalar(delete(StaffBindingLink).where(is_this).returning(StaffBindingLink.staff_id)) is None:
        raise StaffBindingLinkInvalid
    actor = Actor(actor_name(staff_id), ip, request_id)
    link(session, staff_id=staff_id, appid=appid, openid=openid, actor=actor, at=at)
    return staff_id


def link(session: Session, *, staff_id: int, appid: str, openid: str, actor: Actor, at: datetime) -> None:
    """Bind an account to a WeChat that is known to be its holder's.

    Raises:
        StaffSwitchedOff: the account is not in use.
        StaffAlreadyBound, WechatAlreadyBound: one of the two belongs to another.
    """
    if not _hold_active(session, staff_id):
        raise StaffSwitchedOff
    made = session.scalar(
        insert(StaffBinding)
        .values(staff_id=staff_id, appid=appid, openid=openid, bound_at=at)
        .on_conflict_do_nothing()
        .returning(StaffBinding.staff_id)
    )
    if made is None:
        is_staff_bound = session.scalar(select(StaffBinding.staff_id).where(StaffBinding.staff_id == staff_id))
        raise WechatAlreadyBound if is_staff_bound is None else StaffAlreadyBound
    audit.write(
        session, actor=actor, action="staff.bind_wechat", subject=actor_name(staff_id), after={"appid": appid}, at=at
    )


def unbind(session: Session, *, staff_id: int, actor: Actor, at: datetime) -> None:
    """Take the WeChat from an account; its next request is refused.

    Raises:
        StaffNotBound: it has none.
    """
    if not revoke(session, staff_id=staff_id, actor=actor, at=at):
        raise StaffNotBound


def revoke(session: Session, *, staff_id: int, actor: Actor, at: datetime) -> bool:
    """Take WeChat and link from an account, if there are any; tell whether it was bound."""
    session.execute(delete(StaffBindingLink).where(StaffBindingLink.staff_id == staff_id))
    appid = session.scalar(delete(StaffBinding).where(StaffBinding.staff_id == staff_id).returning(StaffBinding.appid))
    if appid is not None:
        audit.write(
            session,
            actor=actor,
            action="staff.unbind_wechat",
            subject=actor_name(staff_id),
            before={"appid": appid},
            at=at,
        )
    return appid is not None


def _hold_active(session: Session, staff_id: int) -> bool:
    """Tell whether an account is in use, and keep it so until the transaction ends."""
    held = select(StaffAccount.is_active).where(StaffAccount.id == staff_id).with_for_update(key_share=True)
    return bool(session.scalar(held))
