"""Reads of members: views are masked; a full phone is shown by ``service.reveal_phone`` alone."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, Select, false, select
from sqlalchemy.orm import Session

from loyalty.kernel.codes import mask_phone
from loyalty.kernel.crypto import Vault
from loyalty.kernel.database import AnyRow
from loyalty.kernel.pagination import Page, decode_cursor, page_of
from loyalty.members.models import (
    BindingReview,
    Consent,
    Identity,
    Member,
    MergeProposal,
    NoticePreference,
    PrivacyText,
)
from loyalty.members.rules.consents import DRAFT_TEXTS, Purpose, TextVersion
from loyalty.members.rules.identities import IdentityNotFound
from loyalty.members.rules.members import MemberGone, MemberNotFound, MemberProvisional, MemberStatus
from loyalty.members.rules.reviews import OPEN_REVIEWS, ProposalState
from loyalty.stores.rules import StoreScope

LIVING = (MemberStatus.ACTIVE, MemberStatus.CLOSING)
"""Members whose person has come and consented."""
HOLDING = (*LIVING, MemberStatus.PROVISIONAL)
"""Members who hold their phone and earn."""


@dataclass(frozen=True, slots=True)
class MemberView:
    """A member as doors show one: the phone masked, nothing sealed."""

    id: int
    number: str
    status: MemberStatus
    phone_masked: str | None
    nickname: str | None
    birthday: date | None
    enrolled_at: datetime
    enrolled_store_id: int | None
    last_active_at: datetime
    merged_into_id: int | None


def get_member(session: Session, *, vault: Vault, member_id: int) -> MemberView:
    """Return a member, merged and closed ones included.

    Raises:
        MemberNotFound: there is none with this id.
    """
    member = session.get(Member, member_id)
    if member is None:
        raise MemberNotFound(member_id=member_id)
    return read_member(member, vault)


def find_by_phone(session: Session, *, vault: Vault, phone: str) -> MemberView | None:
    """Return the holder of a phone in E.164."""
    return _find(session, vault, Member.phone_index == vault.index(phone, context="members.phone"))


def find_by_number(session: Session, *, vault: Vault, number: str) -> MemberView | None:
    """Return the member with a member number (会员号)."""
    return _find(session, vault, Member.number == number)


def list_members(
    session: Session,
    *,
    vault: Vault,
    store_ids: Collection[int] | None = None,
    status: MemberStatus | None = None,
    cursor: str | None = None,
    limit: int = 20,
) -> Page[MemberView]:
    """Return members newest first; ``store_ids`` keeps those enrolled at these stores."""
    query = select(Member).order_by(Member.id.desc()).limit(limit + 1)
    if store_ids is not None:
        query = query.where(Member.enrolled_store_id.in_(store_ids))
    if status is not None:
        query = query.where(Member.status == status)
    if (last_id := decode_cursor(cursor)) is not None:
        query = query.where(Member.id < last_id)
    views = [read_member(member, vault) for member in session.scalars(query)]
    return page_of(views, limit=limit, id_of=lambda view: view.id)


def require_living(session: Session, *, member_id: int) -> Member:
    """Return and lock a member that is neither closed nor merged.

    Raises:
        MemberNotFound: there is none with this id.
        MemberGone: closed, or merged into another.
        MemberProvisional: the person has not come yet.
    """
    member = lock_members(session, member_ids=[member_id]).get(member_id)
    _check_living(member_id, None if member is None else member.status)
    assert member is not None
    return member


def check_can_spend(session: Session, *, member_id: int) -> None:
    """Refuse whoever may not spend points: ask before every hold and every spend that a store or partner reports.

    Raises:
        MemberNotFound: there is none with this id.
        MemberGone: closed, or merged into another.
        MemberProvisional: the person has not bound the phone and consented yet.
    """
    _check_living(member_id, session.scalar(select(Member.status).where(Member.id == member_id)))


def _check_living(member_id: int, status: str | None) -> None:
    if status is None:
        raise MemberNotFound(member_id=member_id)
    if status == MemberStatus.PROVISIONAL:
        raise MemberProvisional(member_id=member_id)
    if status not in LIVING:
        raise MemberGone(member_id=member_id)


def lock_members(session: Session, *, member_ids: Collection[int]) -> dict[int, Member]:
    """Lock members in the order of their ids, and return them as they are now."""
    members = session.scalars(
        select(Member)
        .where(Member.id.in_(member_ids))
        .order_by(Member.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return {member.id: member for member in members}


def get_identity(session: Session, *, identity_id: int) -> Identity:
    """Return an identity.

    Raises:
        IdentityNotFound: there is none with this id.
    """
    identity = session.get(Identity, identity_id)
    if identity is None:
        raise IdentityNotFound(identity_id=identity_id)
    return identity


def find_identity(session: Session, *, appid: str, openid: str) -> Identity | None:
    """Return the identity that one of our accounts sees under an openid."""
    return session.scalar(select(Identity).where(Identity.appid == appid, Identity.openid == openid))


def identities_of(session: Session, *, member_id: int) -> Sequence[Identity]:
    """Return a living member's identities, oldest first: everywhere a notice could go."""
    return session.scalars(
        select(Identity)
        .join(Member, Member.id == Identity.member_id)
        .where(Identity.member_id == member_id, Member.status.in_(LIVING))
        .order_by(Identity.id)
    ).all()


def family_of(session: Session, *, member_id: int) -> Sequence[int]:
    """Return the ids of a member and of all that were merged into it; history is read by these."""
    merged = select(Member.id).where(Member.merged_into_id == member_id).order_by(Member.id)
    return [member_id, *session.scalars(merged)]


def survivor_of(session: Session, *, member_id: int) -> int:
    """Return the member who a merged one was merged into; a member that was not is its own survivor."""
    merged_into_id = session.scalar(select(Member.merged_into_id).where(Member.id == member_id))
    return member_id if merged_into_id is None else merged_into_id


def find_holder(session: Session, *, phone_index: bytes) -> Member | None:
    """Return the member who holds a phone, a provisional one included, by its blind index."""
    return session.scalar(select(Member).where(Member.phone_index == phone_index, Member.status.in_(HOLDING)))


def members_by_unionid(session: Session, *, unionid: str) -> Sequence[int]:
    """Return the living members with an identity of this unionid, the earliest enrolled first."""
    return session.scalars(
        select(Member.id)
        .join(Identity, Identity.member_id == Member.id)
        .where(Identity.unionid == unionid, Member.status.in_(LIVING))
        .group_by(Member.id)
        .order_by(Member.enrolled_at, Member.id)
    ).all()


def find_merge_candidate(session: Session, *, member_id: int) -> int | None:
    """Return another living member joined to this one by unionid, the earliest enrolled."""
    unionids = select(Identity.unionid).where(Identity.member_id == member_id, Identity.unionid.is_not(None))
    return session.scalar(
        select(Member.id)
        .join(Identity, Identity.member_id == Member.id)
        .where(Identity.unionid.in_(unionids), Member.id != member_id, Member.status.in_(LIVING))
        .order_by(Member.enrolled_at, Member.id)
        .limit(1)
    )


def find_open_review(session: Session, *, identity_id: int) -> BindingReview | None:
    """Return the second proof that an identity still owes, expired ones included."""
    return session.scalar(
        select(BindingReview).where(BindingReview.identity_id == identity_id, BindingReview.state.in_(OPEN_REVIEWS))
    )


def list_reviews(
    session: Session, *, scope: StoreScope, cursor: str | None = None, limit: int = 20
) -> Page[BindingReview]:
    """Return the contested phones that wait for staff of this scope, newest first."""
    query = _reviews_for(scope).where(BindingReview.state == "with_staff").order_by(BindingReview.id.desc())
    if (last_id := decode_cursor(cursor)) is not None:
        query = query.where(BindingReview.id < last_id)
    return page_of(session.scalars(query.limit(limit + 1)).all(), limit=limit, id_of=lambda review: review.id)


def is_review_for(session: Session, *, review_id: int, scope: StoreScope) -> bool:
    """Tell whether a contested phone is for staff of this scope to decide."""
    return session.scalar(_reviews_for(scope).where(BindingReview.id == review_id)) is not None


def list_expired_reviews(session: Session, *, at: datetime, limit: int) -> Sequence[int]:
    """Return the ids of undecided contested phones whose time is over, the longest first."""
    return session.scalars(
        select(BindingReview.id)
        .where(BindingReview.state.in_(OPEN_REVIEWS), BindingReview.expires_at <= at)
        .order_by(BindingReview.expires_at)
        .limit(limit)
    ).all()


def find_open_proposal(session: Session, *, identity_id: int, at: datetime) -> MergeProposal | None:
    """Return the merge that an identity was offered and that has not lapsed."""
    return session.scalar(
        select(MergeProposal).where(
            MergeProposal.identity_id == identity_id,
            MergeProposal.state == ProposalState.OPEN,
            MergeProposal.expires_at > at,
        )
    )


def current_texts(session: Session) -> list[TextVersion]:
    """Return the text in force for each purpose: the latest published, else the built-in draft."""
    rows = session.scalars(select(PrivacyText).order_by(PrivacyText.published_at))
    published = {row.purpose: _text(row) for row in rows}
    return [published.get(draft.purpose, draft) for draft in DRAFT_TEXTS]


def find_text(session: Session, *, purpose: Purpose, version: str) -> TextVersion | None:
    """Return one version of a text, in force or not."""
    row = session.get(PrivacyText, (purpose, version))
    if row is not None:
        return _text(row)
    drafts = (draft for draft in DRAFT_TEXTS if (draft.purpose, draft.version) == (purpose, version))
    return next(drafts, None)


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


def _reviews_for(scope: StoreScope) -> Select[BindingReview]:
    """Where the holder enrolled online and so has no store, any store may look at the person."""
    home = Member.enrolled_store_id
    reviews = select(BindingReview).join(Member, Member.id == BindingReview.holder_id)
    if scope.is_chain_wide:
        return reviews
    return reviews.where(home.in_(scope.store_ids) | home.is_(None) if scope.store_ids else false())


def _find(session: Session, vault: Vault, condition: ColumnElement[bool]) -> MemberView | None:
    member = session.scalar(select(Member).where(condition))
    return None if member is None else read_member(member, vault)


def read_member(member: Member | AnyRow, vault: Vault) -> MemberView:
    """Open what a member's row holds, also where a larger statement took its columns along."""

    def opened(sealed: bytes | None, context: str) -> str | None:
        return None if sealed is None else vault.open(sealed, context=context)

    phone = opened(member.phone_sealed, "members.phone")
    birthday = opened(member.birthday_sealed, "members.birthday")
    return MemberView(
        id=member.id,
        number=member.number,
        status=MemberStatus(member.status),
        phone_masked=None if phone is None else mask_phone(phone),
        nickname=opened(member.nickname_sealed, "members.nickname"),
        birthday=None if birthday is None else date.fromisoformat(birthday),
        enrolled_at=member.enrolled_at,
        enrolled_store_id=member.enrolled_store_id,
        last_active_at=member.last_active_at,
        merged_into_id=member.merged_into_id,
    )


def _text(row: PrivacyText) -> TextVersion:
    return TextVersion(Purpose(row.purpose), row.version, row.title, row.body)
