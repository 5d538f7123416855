"""What follows from a push of WeChat: follows, subscription grants, reports on messages."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime

from loyalty.arrivals import service as arrivals
from loyalty.broadcasts import service as broadcasts
from loyalty.channels import queries as channels
from loyalty.channels.queries import PushGone, PushView
from loyalty.channels.rules import pushes as names
from loyalty.channels.rules.replies import is_unsubscribing
from loyalty.container import Container
from loyalty.kernel.database import Json, Session
from loyalty.members import queries as known_members
from loyalty.members import service as members
from loyalty.members.rules.identities import IdentityKind
from loyalty.notices import service as notices
from loyalty.notices.service import GrantSource
from loyalty.notices.service.windows import Act, open_window

Effect = Callable[[Session, Container, PushView, datetime], None]


def apply(session: Session, container: Container, payload: Json, at: datetime) -> None:
    """Let a stored push take effect; nothing follows from one that was deleted or that we only answer.

    Raises:
        DeliveryNotYetKnown: a report came before the answer it belongs to.
    """
    with suppress(PushGone):
        push = channels.read_push(session, container.vault, payload["push_id"])
        effect = _EFFECTS.get(push.content.event) if push.content.kind == names.EVENT else _unsubscribe
        if effect is not None:
            effect(session, container, push, at)
        _open_window(session, push)


def _follow(session: Session, _container: Container, push: PushView, _at: datetime) -> None:
    _note_arrival(session, push, is_follow=True)
    members.note_follow(
        session,
        appid=push.appid,
        openid=push.content.openid,
        unionid=None,
        scene=push.content.event_key or None,
        at=_happened_at(push),
    )


def _scan(session: Session, _container: Container, push: PushView, _at: datetime) -> None:
    _note_arrival(session, push, is_follow=False)


def _note_arrival(session: Session, push: PushView, *, is_follow: bool) -> None:
    arrivals.note_arrival(
        session,
        push_id=push.id,
        appid=push.appid,
        openid=push.content.openid,
        key=push.content.event_key,
        is_follow=is_follow,
        at=_happened_at(push),
    )


def _unfollow(session: Session, _container: Container, push: PushView, _at: datetime) -> None:
    members.note_unfollow(session, appid=push.appid, openid=push.content.openid, at=_happened_at(push))


def _count_grants(session: Session, container: Container, push: PushView, _at: datetime) -> None:
    notices.record_grants(
        session,
        identity_id=_identity_id(session, container, push),
        answers={item.template_id: item.answer for item in push.content.subscriptions},
        source=GrantSource.POPUP_EVENT,
        reference=f"push:{push.id}",
        at=push.received_at,
    )


def _withdraw_grants(session: Session, container: Container, push: PushView, _at: datetime) -> None:
    identity_id = _identity_id(session, container, push)
    for template_id in sorted(item.template_id for item in push.content.subscriptions if item.answer == "reject"):
        notices.empty_grants(
            session,
            identity_id=identity_id,
            template_id=template_id,
            source=GrantSource.CHANGE_EVENT,
            reference=f"push:{push.id}",
            at=push.received_at,
        )


def _close_template(session: Session, _container: Container, push: PushView, at: datetime) -> None:
    _report(session, push, push.content.message_id, push.content.status == "success", push.content.status, at)


def _close_subscriptions(session: Session, _container: Container, push: PushView, at: datetime) -> None:
    for item in push.content.subscriptions:
        detail = f"{item.error_code} {item.error_status}".strip()
        is_delivered = item.error_code in ("", "0")
        is_marketing = broadcasts.note_report(
            session,
            appid=push.appid,
            openid=push.content.openid,
            provider_message_id=item.message_id,
            is_delivered=is_delivered,
            detail=detail,
            at=at,
        )
        if not is_marketing:
            _report(session, push, item.message_id, is_delivered, detail, at)


def _unsubscribe(session: Session, _container: Container, push: PushView, _at: datetime) -> None:
    """Take the member at their word (TD、退订); who is no member gets no marketing anyway."""
    if not is_unsubscribing(push.content):
        return
    identity = known_members.find_identity(session, appid=push.appid, openid=push.content.openid)
    if identity is not None and identity.member_id is not None:
        broadcasts.unsubscribe(session, member_id=identity.member_id, at=push.received_at)


def _open_window(session: Session, push: PushView) -> None:
    """Note that the act of somebody we know lets us write to them."""
    act = _ACTS.get(push.content.event) if push.content.kind == names.EVENT else Act.WROTE
    identity = act and known_members.find_identity(session, appid=push.appid, openid=push.content.openid)
    if act and identity:
        kind = IdentityKind(identity.kind)
        open_window(session, identity_id=identity.id, kind=kind, act=act, acted_at=_happened_at(push))


_ACTS: Mapping[str, Act] = {
    "subscribe": Act.FOLLOWED,
    "scan": Act.SCANNED,
    "click": Act.CLICKED_MENU,
    "user_enter_tempsession": Act.ENTERED,
}


def _report(session: Session, push: PushView, message_id: str, is_delivered: bool, detail: str, at: datetime) -> None:
    notices.note_report(
        session,
        appid=push.appid,
        openid=push.content.openid,
        provider_message_id=message_id,
        is_delivered=is_delivered,
        detail=detail,
        reported_at=push.received_at,
        at=at,
    )


_EFFECTS: Mapping[str, Effect] = {
    "subscribe": _follow,
    "scan": _scan,
    "unsubscribe": _unfollow,
    names.EVENT_SUBSCRIPTION_ANSWERED: _count_grants,
    names.EVENT_SUBSCRIPTION_CHANGED: _withdraw_grants,
    names.EVENT_TEMPLATE_SENT: _close_template,
    names.EVENT_SUBSCRIPTION_SENT: _close_subscriptions,
}


def _happened_at(push: PushView) -> datetime:
    return datetime.fromtimestamp(push.content.created_at_epoch, UTC)


def _identity_id(session: Session, container: Container, push: PushView) -> int:
    is_mini_program = push.appid in container.mini_programs
    identity = members.identify(
        session,
        appid=push.appid,
        openid=push.content.openid,
        unionid=None,
        kind=IdentityKind.MINI_PROGRAM if is_mini_program else IdentityKind.OFFICIAL_ACCOUNT,
        at=push.received_at,
    )
    return identity.id
