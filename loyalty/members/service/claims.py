"""The facts of a claim: what is known of an identity and of the phone it proved, read under locks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from loyalty.kernel.crypto import Vault
from loyalty.members import queries
from loyalty.members.models import Identity, Member
from loyalty.members.rules.binding import BindingFacts, IdentityState, PhoneState, UnionidState, phone_state
from loyalty.members.rules.consents import TextVersion
from loyalty.members.rules.identities import Door
from loyalty.members.rules.members import MemberStatus

_PHONE = "members.phone"


@dataclass(frozen=True, slots=True)
class Claim:
    """A proved phone with all that came with it."""

    vault: Vault
    identity: Identity
    phone: str
    proved_at: datetime
    texts: Sequence[TextVersion]
    door: Door
    store_id: int | None
    is_change: bool
    at: datetime

    @property
    def phone_index(self) -> bytes:
        """The phone's blind index."""
        return self.vault.index(self.phone, context=_PHONE)


def facts_of(session: Session, claim: Claim, holder: Member | None) -> BindingFacts:
    """Return all that the decision on a claim depends on; ``holder`` has the phone now."""
    own_id = claim.identity.member_id
    facts = BindingFacts(
        identity=_identity_state(claim),
        phone=_phone_state(session, claim, holder),
        unionid=_unionid_state(session, claim, holder),
        is_own_phone=holder is not None and holder.id == own_id,
        is_change=claim.is_change,
    )
    if own_id is None:
        return facts
    own = queries.require_living(session, member_id=own_id)
    return replace(facts, has_phone=own.phone_index is not None)


def _identity_state(claim: Claim) -> IdentityState:
    if claim.identity.member_id is not None:
        return IdentityState.MEMBER
    return IdentityState.NEW if claim.identity.first_seen_at == claim.at else IdentityState.VISITOR


def _phone_state(session: Session, claim: Claim, holder: Member | None) -> PhoneState:
    if holder is None:
        return PhoneState.NEW
    if holder.status == MemberStatus.PROVISIONAL:
        return PhoneState.PROVISIONAL
    appids = {identity.appid for identity in queries.identities_of(session, member_id=holder.id)}
    return phone_state(
        holder_last_active_at=holder.last_active_at,
        holder_is_here=claim.identity.appid in appids,
        at=claim.at,
    )


def _unionid_state(session: Session, claim: Claim, holder: Member | None) -> UnionidState:
    if claim.identity.unionid is None:
        return UnionidState.NONE
    members = queries.members_by_unionid(session, unionid=claim.identity.unionid)
    if not members:
        return UnionidState.NEW
    subject = holder.id if holder is not None else claim.identity.member_id
    return UnionidState.SAME_MEMBER if subject in members else UnionidState.OTHER_MEMBER
