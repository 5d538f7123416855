"""Subscription grants (授权次数): one accepted prompt pays for one message.

WeChat cannot be asked for the balance, so it is kept as a ledger. One tap has two witnesses: the
client, which nobody can trust, and WeChat's push. Whichever tells first counts, the other pairs
with it. All changes of one balance stand in line on its row.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Row, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from loyalty.channels import queries as channels
from loyalty.members import queries as members
from loyalty.notices.models import SubscriptionGrant, SubscriptionGrantEntry

PAIR_WITHIN = timedelta(seconds=60)
"""The push of a tap arrives within seconds of the client's report; a later tap comes by itself."""
CLIENT_BALANCE_MAX = 5
"""The client alone cannot raise a balance above this."""


class GrantSource(StrEnum):
    """Who tells of a change."""

    CLIENT = "client"
    POPUP_EVENT = "popup_event"
    """``subscribe_msg_popup_event``: WeChat tells what the member tapped."""
    CHANGE_EVENT = "change_event"
    """``subscribe_msg_change_event``: the member switched the template off in the settings."""
    DELIVERY = "delivery"
    """A message took the grant."""
    RETURNED = "returned"
    """The message was not sent after all."""
    WITHDRAWN = "withdrawn"
    """WeChat refused a message for want of a grant."""


_OTHER_WITNESS = {
    GrantSource.CLIENT: GrantSource.POPUP_EVENT,
    GrantSource.POPUP_EVENT: GrantSource.CLIENT,
}


def record_grants(
    session: Session,
    *,
    identity_id: int,
    answers: Mapping[str, str],
    source: GrantSource,
    reference: str,
    at: datetime,
) -> dict[str, int]:
    """Note what a member tapped in a subscription prompt; return the balance of each template.

    ``answers`` maps template ids to WeChat's words: only ``accept`` counts, a refused prompt
    leaves earlier grants alone. ``source`` is ``CLIENT`` or ``POPUP_EVENT``; the same ``reference``
    counts once, and a client's template ids that are not ours count nothing. Template ids are taken
    in order, so that two reports never lock across.
    """
    balances = {}
    for template_id in sorted(answers):
        if source is GrantSource.CLIENT and not _is_ours(session, identity_id, template_id):
            continue
        balance = _locked_balance(session, identity_id, template_id)
        if answers[template_id] == "accept":
            balance = _accept(session, identity_id, template_id, balance, source, reference, at)
        balances[template_id] = balance
    return balances


def empty_grants(
    session: Session, *, identity_id: int, template_id: str, source: GrantSource, reference: str, at: datetime
) -> None:
    """Set a balance to zero: the member withdrew (关闭订阅), or WeChat says that nothing is left."""
    balance = _locked_balance(session, identity_id, template_id)
    if balance:
        _append(session, identity_id, template_id, -balance, balance, source, reference, at)


def take_grant(session: Session, *, identity_id: int, template_id: str, reference: str, at: datetime) -> bool:
    """Take one grant for a message about to be sent; False when none is left."""
    balance = _locked_balance(session, identity_id, template_id)
    if balance < 1:
        return False
    _append(session, identity_id, template_id, -1, balance, GrantSource.DELIVERY, reference, at)
    return True


def return_grant(session: Session, *, identity_id: int, template_id: str, reference: str, at: datetime) -> None:
    """Give back the grant of a message that WeChat certainly did not send."""
    balance = _locked_balance(session, identity_id, template_id)
    _append(session, identity_id, template_id, 1, balance, GrantSource.RETURNED, reference, at)


def _is_ours(session: Session, identity_id: int, template_id: str) -> bool:
    appid = members.get_identity(session, identity_id=identity_id).appid
    ours = channels.subscription_templates(session, appid=appid)
    return any(template.template_id == template_id for template in ours)


def _accept(
    session: Session,
    identity_id: int,
    template_id: str,
    balance: int,
    source: GrantSource,
    reference: str,
    at: datetime,
) -> int:
    witness = _unpaired_witness(session, identity_id, template_id, _OTHER_WITNESS[source], at)
    # A report of the client above its cap is a witness that did not count, so WeChat's word still does.
    is_told = witness is not None and witness.change > 0
    is_counted = not is_told and (source is not GrantSource.CLIENT or balance < CLIENT_BALANCE_MAX)
    pair_id = witness.id if witness else None
    return _append(session, identity_id, template_id, int(is_counted), balance, source, reference, at, pair_id=pair_id)


def _unpaired_witness(
    session: Session, identity_id: int, template_id: str, source: GrantSource, at: datetime
) -> Row[int, int] | None:
    partner = aliased(SubscriptionGrantEntry)
    return session.execute(
        select(SubscriptionGrantEntry.id, SubscriptionGrantEntry.change)
        .where(
            SubscriptionGrantEntry.identity_id == identity_id,
            SubscriptionGrantEntry.template_id == template_id,
            SubscriptionGrantEntry.source == source.value,
            SubscriptionGrantEntry.pair_id.is_(None),
            SubscriptionGrantEntry.recorded_at.between(at - PAIR_WITHIN, at + PAIR_WITHIN),
            ~select(partner.id).where(partner.pair_id == SubscriptionGrantEntry.id).exists(),
        )
        .order_by(func.abs(func.extract("epoch", SubscriptionGrantEntry.recorded_at - at)), SubscriptionGrantEntry.id)
        .limit(1)
    ).first()


def _locked_balance(session: Session, identity_id: int, template_id: str) -> int:
    session.execute(
        insert(SubscriptionGrant)
        .values(identity_id=identity_id, template_id=template_id, balance=0)
        .on_conflict_do_nothing()
    )
    return session.scalars(
        select(SubscriptionGrant.balance)
        .where(SubscriptionGrant.identity_id == identity_id, SubscriptionGrant.template_id == template_id)
        .with_for_update(key_share=True)
    ).one()


def _append(
    session: Session,
    identity_id: int,
    template_id: str,
    change: int,
    balance: int,
    source: GrantSource,
    reference: str,
    at: datetime,
    *,
    pair_id: int | None = None,
) -> int:
    """Append an entry and move the balance, unless this very report was taken before."""
    appended = session.scalar(
        insert(SubscriptionGrantEntry)
        .values(
            identity_id=identity_id,
            template_id=template_id,
            source=source.value,
            reference=reference,
            change=change,
            balance_after=balance + change,
            pair_id=pair_id,
            recorded_at=at,
        )
        .on_conflict_do_nothing(index_elements=["identity_id", "template_id", "source", "reference"])
        .returning(SubscriptionGrantEntry.id)
    )
    if appended is None:
        return balance
    session.execute(
        update(SubscriptionGrant)
        .where(SubscriptionGrant.identity_id == identity_id, SubscriptionGrant.template_id == template_id)
        .values(balance=balance + change)
        .execution_options(synchronize_session=False)
    )
    return balance + change
