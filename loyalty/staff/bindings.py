"""Reads of bindings (店员微信绑定): which account acts through a WeChat, and whom a link would bind."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.kernel.audit import Actor
from loyalty.staff import queries, rules
from loyalty.staff.models import StaffAccount, StaffBinding, StaffBindingLink
from loyalty.staff.rules import Permission
from loyalty.stores import queries as stores
from loyalty.stores.rules import StoreScope


@dataclass(frozen=True, slots=True)
class BoundStaff:
    """An account as it acts through its WeChat: what it may do, and at which stores."""

    staff_id: int
    name: str
    permissions: frozenset[Permission]
    scope: StoreScope

    @property
    def actor_name(self) -> str:
        """How the account is called in the audit log and in what it does."""
        return rules.actor_name(self.staff_id)

    def actor(self, *, ip: str, request_id: str) -> Actor:
        """Return the account as the audit log names it."""
        return Actor(self.actor_name, ip, request_id)


def find_bound(session: Session, *, appid: str, openid: str) -> BoundStaff | None:
    """Return the account that is bound to a WeChat, if it is one in use."""
    staff_id = session.scalar(
        select(StaffBinding.staff_id)
        .join(StaffAccount, StaffAccount.id == StaffBinding.staff_id)
        .where(StaffBinding.appid == appid, StaffBinding.openid == openid, StaffAccount.is_active)
    )
    if staff_id is None:
        return None
    view = queries.get_staff(session, staff_id=staff_id)
    return BoundStaff(
        staff_id=staff_id,
        name=view.name,
        permissions=rules.permissions_of(view.roles),
        scope=stores.scope_of(session, roots=view.scope_ids),
    )


def bound_at(session: Session, *, staff_id: int) -> datetime | None:
    """Return since when an account is bound to a WeChat; None for one that is not."""
    return session.scalar(select(StaffBinding.bound_at).where(StaffBinding.staff_id == staff_id))


def find_by_link(session: Session, *, token: str, at: datetime) -> str | None:
    """Return the name of whom a link would bind; None for a link that was used, replaced, or is too old."""
    return session.scalar(
        select(StaffAccount.name)
        .join(StaffBindingLink, StaffBindingLink.staff_id == StaffAccount.id)
        .where(
            StaffBindingLink.token_hash == queries.token_hash(token),
            StaffBindingLink.expires_at > at,
            StaffAccount.is_active,
        )
    )
