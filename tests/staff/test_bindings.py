"""Binding an account to a WeChat: once by a link, one of each, gone when the account is."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.staff import service
from loyalty.staff.bindings import bound_at, find_bound, find_by_link
from loyalty.staff.rules import Permission, Role
from loyalty.staff.service.bindings import (
    StaffAlreadyBound,
    StaffBindingLinkInvalid,
    StaffNotBound,
    StaffSwitchedOff,
    WechatAlreadyBound,
    bind,
    make_link,
    unbind,
)
from tests.factories.staff import make_staff
from tests.factories.stores import make_store
from tests.support.settings import OA_APPID

ACTOR = Actor("staff:0", "10.0.0.9", "r1")


def link_for(session: Session, staff_id: int, at: datetime) -> str:
    return make_link(session, staff_id=staff_id, actor=ACTOR, at=at)


def bind_to(session: Session, token: str, openid: str, at: datetime) -> int:
    return bind(session, token=token, appid=OA_APPID, openid=openid, at=at, ip="10.0.0.8", request_id="r2")


def test_a_link_binds_once_and_the_clerk_is_known_by_their_wechat(session: Session, at: datetime) -> None:
    store = make_store(session)
    clerk = make_staff(session, Role.CLERK, stores=[store])
    token = link_for(session, clerk.id, at)
    assert find_by_link(session, token=token, at=at) == clerk.name

    assert bind_to(session, token, "o-clerk", at) == clerk.id

    bound = find_bound(session, appid=OA_APPID, openid="o-clerk")
    assert bound is not None
    assert (bound.staff_id, bound.scope.store_ids) == (clerk.id, frozenset({store.id}))
    assert Permission.COUPONS_REDEEM in bound.permissions
    assert find_bound(session, appid="another-account", openid="o-clerk") is None
    with pytest.raises(StaffBindingLinkInvalid):
        bind_to(session, token, "o-other", at)
    actions = [(entry.actor, entry.action) for entry in audit.list_entries(session, subject=f"staff:{clerk.id}")]
    assert actions == [(f"staff:{clerk.id}", "staff.bind_wechat"), ("staff:0", "staff.make_binding_link")]


def test_a_link_is_good_for_ten_minutes_and_until_the_next_is_made(session: Session, at: datetime) -> None:
    clerk = make_staff(session, Role.CLERK)
    first, second = link_for(session, clerk.id, at), link_for(session, clerk.id, at)

    for token, moment in ((first, at), (second, at + timedelta(minutes=10)), ("made-up", at)):
        assert find_by_link(session, token=token, at=moment) is None
        with pytest.raises(StaffBindingLinkInvalid):
            bind_to(session, token, "o-late", moment)
    assert bind_to(session, second, "o-late", at + timedelta(minutes=9, seconds=59)) == clerk.id


def test_an_account_has_one_wechat_and_a_wechat_one_account(session: Session, at: datetime) -> None:
    clerk, other = make_staff(session, Role.CLERK), make_staff(session, Role.CLERK)
    theirs = link_for(session, other.id, at)
    bind_to(session, link_for(session, clerk.id, at), "o-one", at)

    with pytest.raises(WechatAlreadyBound):
        bind_to(session, theirs, "o-one", at)
    with pytest.raises(StaffAlreadyBound):
        link_for(session, clerk.id, at)


def test_unbinding_ends_it_and_frees_both(session: Session, at: datetime) -> None:
    clerk = make_staff(session, Role.CLERK)
    bind_to(session, link_for(session, clerk.id, at), "o-gone", at)

    unbind(session, staff_id=clerk.id, actor=ACTOR, at=at)

    assert find_bound(session, appid=OA_APPID, openid="o-gone") is None
    with pytest.raises(StaffNotBound):
        unbind(session, staff_id=clerk.id, actor=ACTOR, at=at)
    assert bind_to(session, link_for(session, clerk.id, at), "o-gone", at) == clerk.id


def test_switching_an_account_off_unbinds_it_for_good_and_kills_its_link(session: Session, at: datetime) -> None:
    bound, invited = make_staff(session, Role.CLERK), make_staff(session, Role.CLERK)
    bind_to(session, link_for(session, bound.id, at), "o-off", at)
    token = link_for(session, invited.id, at)

    for staff in (bound, invited):
        service.set_active(session, staff_id=staff.id, is_active=False, actor=ACTOR, at=at)

    with pytest.raises(StaffSwitchedOff):
        link_for(session, bound.id, at)
    for staff in (bound, invited):
        service.set_active(session, staff_id=staff.id, is_active=True, actor=ACTOR, at=at)
    assert bound_at(session, staff_id=bound.id) is None
    assert find_bound(session, appid=OA_APPID, openid="o-off") is None
    with pytest.raises(StaffBindingLinkInvalid):
        bind_to(session, token, "o-back", at)
