"""Consent (同意) and its withdrawal (撤回), by purpose and text version; and which notices are wanted."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from loyalty.kernel import audit, outbox
from loyalty.kernel.audit import Actor
from loyalty.members.models import Consent, NoticePreference, PrivacyText
from loyalty.members.queries import current_text, find_text
from loyalty.members.rules.consents import (
    REQUIRED_PURPOSES,
    ConsentOutdated,
    ConsentRequired,
    Purpose,
    TextVersion,
    TextVersionTaken,
)
from loyalty.members.rules.identities import Door


def publish_text(session: Session, *, text: TextVersion, actor: Actor, at: datetime) -> None:
    """Put a version of a text in force; consents to earlier versions stay in the log.

    Raises:
        TextVersionTaken: this version of this text exists.
    """
    if find_text(session, purpose=text.purpose, version=text.version) is not None:
        raise TextVersionTaken(purpose=text.purpose, version=text.version)
    session.add(
        PrivacyText(purpose=text.purpose, version=text.version, title=text.title, body=text.body, published_at=at)
    )
    session.flush()
    audit.write(
        session,
        actor=actor,
        action="members.publish_text",
        subject=f"privacy_text:{text.purpose}",
        after={"version": text.version, "hash": text.hash.hex()},
        at=at,
    )


def record_consents(
    session: Session, *, member_id: int, texts: Iterable[TextVersion], door: Door, at: datetime
) -> None:
    """Note that a member agreed to texts; the same version again adds nothing."""
    for text in texts:
        session.execute(
            insert(Consent)
            .values(
                member_id=member_id,
                purpose=text.purpose,
                version=text.version,
                text_hash=text.hash,
                channel=door,
                given_at=at,
            )
            .on_conflict_do_nothing(
                index_elements=["member_id", "purpose", "version"],
                index_where=Consent.withdrawn_at.is_(None),
            )
        )


def give_consent(session: Session, *, member_id: int, purpose: Purpose, version: str, door: Door, at: datetime) -> None:
    """Agree to one more purpose in the version in force, such as marketing or the use of an ID number.

    Raises:
        ConsentOutdated: another version is in force; show that one.
    """
    text = current_text(session, purpose=purpose)
    if text.version != version:
        raise ConsentOutdated(purpose=purpose)
    record_consents(session, member_id=member_id, texts=[text], door=door, at=at)


def withdraw_consent(session: Session, *, member_id: int, purpose: Purpose, door: Door, at: datetime) -> None:
    """Withdraw consent to an optional purpose, in all versions; again changes nothing.

    Raises:
        ConsentRequired: without it there is no membership; it ends by closing the account.
    """
    if purpose in REQUIRED_PURPOSES:
        raise ConsentRequired(purpose=purpose)
    withdrawn = session.execute(
        update(Consent)
        .where(Consent.member_id == member_id, Consent.purpose == purpose, Consent.withdrawn_at.is_(None))
        .values(withdrawn_at=at, withdrawn_channel=door)
        .returning(Consent.id)
        .execution_options(synchronize_session="fetch")
    ).first()
    if withdrawn is not None:
        outbox.record(session, "consent.withdrawn", {"member_id": member_id, "purpose": purpose}, at=at)


def set_notice_wanted(session: Session, *, member_id: int, kind: str, is_wanted: bool, at: datetime) -> None:
    """Unsubscribe from a kind of notice (退订), or take it again; the inbox keeps them all."""
    values = {"is_wanted": is_wanted, "changed_at": at}
    session.execute(
        insert(NoticePreference)
        .values(member_id=member_id, kind=kind, **values)
        .on_conflict_do_update(index_elements=["member_id", "kind"], set_=values)
    )
