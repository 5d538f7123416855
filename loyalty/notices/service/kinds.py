"""Settings of the kinds of notices, as headquarters changes them."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.channels.rules.templates import check_may_carry
from loyalty.kernel import audit
from loyalty.kernel.database import Json
from loyalty.notices import queries, rules
from loyalty.notices.models import NoticeKindSettings
from loyalty.notices.rules import KindSettings, NoticeKind


def configure_kind(
    session: Session,
    *,
    kind: NoticeKind,
    is_enabled: bool,
    channels: Sequence[str],
    is_own_act: bool,
    actor: audit.Actor,
    at: datetime,
) -> KindSettings:
    """Switch a kind of notice on or off and set the order of its channels.

    Raises:
        InvalidChannels: the order repeats a channel or does not end with the inbox.
        NoticeIsOwed: the kind cannot be switched off.
        MarketingByTemplateMessage: a kind of marketing shall go by template message.
    """
    for channel in channels:
        check_may_carry(notice_kind=kind, channel=channel)
    if not is_enabled and rules.KINDS[kind].is_owed:
        raise rules.NoticeIsOwed(kind=kind.value)
    before = queries.kind_settings(session, kind)
    after = KindSettings(is_enabled, rules.checked_channels(channels), is_own_act)
    _save(session, kind, after, at)
    audit.write(
        session,
        actor=actor,
        action="notices.configure_kind",
        subject=f"notice_kind:{kind.value}",
        before=_document(before),
        after=_document(after),
        at=at,
    )
    return after


def _save(session: Session, kind: NoticeKind, settings: KindSettings, at: datetime) -> None:
    values = {**_document(settings), "changed_at": at}
    session.execute(
        insert(NoticeKindSettings)
        .values(kind=kind.value, **values)
        .on_conflict_do_update(index_elements=["kind"], set_=values)
        .execution_options(populate_existing=True)
    )
    session.expire_all()


def _document(settings: KindSettings) -> Json:
    return {
        "is_enabled": settings.is_enabled,
        "channels": [channel.value for channel in settings.channels],
        "is_own_act": settings.is_own_act,
    }
