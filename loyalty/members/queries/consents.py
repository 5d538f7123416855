"""What members agreed to: the texts in force, their consents, and the notices they take."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from loyalty.members.models import Consent, Member, NoticePreference, PrivacyText
from loyalty.members.queries.members import LIVING
from loyalty.members.rules.consents import DRAFT_TEXTS, LATER_DRAFT_TEXTS, Purpose, TextVersion


def current_texts(session: Session) -> list[TextVersion]:
    """Return the text in force for each purpose asked at enrolment: the latest published, else the built-in draft."""
    return _in_force(session, DRAFT_TEXTS)


def current_text(session: Session, *, purpose: Purpose) -> TextVersion:
    """Return the text in force for one purpose, asked at enrolment or later."""
    drafts = [draft for draft in (*DRAFT_TEXTS, *LATER_DRAFT_TEXTS) if draft.purpose == purpose]
    return _in_force(session, drafts)[0]


def find_text(session: Session, *, purpose: Purpose, version: str) -> TextVersion | None:
    """Return one version of a text, in force or not."""
    row = session.get(PrivacyText, (purpose, version))
    if row is not None:
        return _text(row)
    texts = (*DRAFT_TEXTS, *LATER_DRAFT_TEXTS)
    drafts = (draft for draft in texts if (draft.purpose, draft.version) == (purpose, version))
    return next(drafts, None)


def has_consented(session: Session, *, member_id: int, purpose: Purpose) -> bool:
    """Tell whether a member's consent to a purpose stands, in whatever version."""
    given = select(Consent.id).where(
        Consent.member_id == member_id, Consent.purpose == purpose, Consent.withdrawn_at.is_(None)
    )
    return session.scalar(select(given.exists())) or False


def consents_of(session: Session, *, member_id: int) -> Sequence[Consent]:
    """Return a member's consent log (同意记录), newest first, withdrawn ones included."""
    return session.scalars(select(Consent).where(Consent.member_id == member_id).order_by(Consent.id.desc())).all()


def wants(session: Session, *, member_id: int, kind: str) -> bool:
    """Tell whether a member takes notices of a kind; who said nothing does, who is gone or provisional does not."""
    refusal = select(NoticePreference.member_id).where(
        NoticePreference.member_id == member_id, NoticePreference.kind == kind, NoticePreference.is_wanted.is_(False)
    )
    living = select(Member.id).where(Member.id == member_id, Member.status.in_(LIVING), ~refusal.exists())
    return session.scalar(select(living.exists())) or False


def unwanted_kinds(session: Session, *, member_id: int) -> set[str]:
    """Return the kinds of notices a member unsubscribed from."""
    return set(
        session.scalars(
            select(NoticePreference.kind).where(
                NoticePreference.member_id == member_id, NoticePreference.is_wanted.is_(False)
            )
        )
    )


def _in_force(session: Session, drafts: Sequence[TextVersion]) -> list[TextVersion]:
    rows = session.scalars(select(PrivacyText).order_by(PrivacyText.published_at))
    published = {row.purpose: _text(row) for row in rows}
    return [published.get(draft.purpose, draft) for draft in drafts]


def _text(row: PrivacyText) -> TextVersion:
    return TextVersion(Purpose(row.purpose), row.version, row.title, row.body)
