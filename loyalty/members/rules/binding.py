"""Rules of binding (绑定): what becomes of a proved phone, as one table over what is known.

A phone passes to another owner when its number is recycled (号码回收), so a proof of the phone alone
opens a membership only where nothing speaks against it being the same person.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from loyalty.kernel.errors import Conflict

DORMANT_AFTER = timedelta(days=180)


class IdentityState(StrEnum):
    """What is known of the WeChat identity that proved the phone."""

    NEW = "new"
    """Seen in this very request for the first time."""
    VISITOR = "visitor"
    """Seen before, and never bound."""
    MEMBER = "member"
    """Belongs to a member already."""


class PhoneState(StrEnum):
    """What is known of the phone; all but the first are somebody's."""

    NEW = "new"
    KNOWN = "known"
    """Its holder has no identity in this appid and was active lately."""
    KNOWN_HERE = "known_here"
    """Its holder has another openid in this appid."""
    DORMANT = "dormant"
    """Its holder was last active more than 180 days ago: the number may be recycled."""
    PROVISIONAL = "provisional"
    """A store enrolled it (待确认) and nobody has proved it before: whoever proves it is the one."""


class UnionidState(StrEnum):
    """Whom the identity's unionid points to, seen from the holder of the phone.

    Where the phone is nobody's, ``SAME_MEMBER`` is the identity's own member.
    """

    NONE = "none"
    NEW = "new"
    """No member has an identity with it."""
    SAME_MEMBER = "same_member"
    OTHER_MEMBER = "other_member"


class Decision(StrEnum):
    """What to do with a proved phone."""

    ENROL = "enrol"
    JOIN = "join"
    """The identity joins the holder of the phone."""
    CONFIRM = "confirm"
    """The identity joins the provisional holder of the phone, who becomes a member in full by it."""
    JOIN_BY_UNIONID = "join_by_unionid"
    """The identity joins the member of its unionid first; then the table is asked again."""
    ALREADY_BOUND = "already_bound"
    SET_PHONE = "set_phone"
    """The phone becomes that of the identity's own member."""
    OFFER_CHANGE = "offer_change"
    """The member has another phone; a change is asked for in so many words, elsewhere."""
    OFFER_MERGE = "offer_merge"
    """Two members joined by unionid: one only by consent and with both phones proved."""
    SECOND_PROOF = "second_proof"
    """A code to the old WeChat or a decision of staff tells whether it is the same person."""


@dataclass(frozen=True, slots=True)
class BindingFacts:
    """All that the decision depends on."""

    identity: IdentityState
    phone: PhoneState
    unionid: UnionidState
    is_own_phone: bool = False
    """The identity's member is the holder of the phone."""
    has_phone: bool = False
    """The identity's member has a phone."""
    is_change: bool = False
    """The member asked for this phone in place of their own."""


class BindingKind(StrEnum):
    """How a binding ended, or what is awaited."""

    ENROLLED = "enrolled"
    JOINED = "joined"
    CONFIRMED = "confirmed"
    """A provisional member's own person came: what was earned so far can be spent now."""
    ALREADY_BOUND = "already_bound"
    PHONE_CHANGED = "phone_changed"
    PHONE_DIFFERS = "phone_differs"
    NEEDS_SECOND_PROOF = "needs_second_proof"
    MERGE_OFFERED = "merge_offered"


class NotAMember(Conflict):
    """The caller is a visitor (访客) and has to bind a phone first."""

    code = "not_a_member"
    message = "请先绑定手机号成为会员"


def phone_state(*, holder_last_active_at: datetime, holder_is_here: bool, at: datetime) -> PhoneState:
    """Classify a phone that somebody holds; long silence weighs more than another openid."""
    if at - holder_last_active_at > DORMANT_AFTER:
        return PhoneState.DORMANT
    return PhoneState.KNOWN_HERE if holder_is_here else PhoneState.KNOWN


def decide_binding(facts: BindingFacts) -> Decision:
    """Decide what becomes of a proved phone.

    The same unionid is WeChat's own word that it is the same person: it outweighs another openid
    and long silence. Without it, both ask for a second proof, whoever asks. A provisional holder was
    never anybody by a proof, so the first proof of its phone settles whose it is.
    """
    if facts.identity is IdentityState.MEMBER:
        return _of_member(facts)
    return _of_visitor(facts)


def _of_visitor(facts: BindingFacts) -> Decision:
    is_unionid_known = facts.unionid in (UnionidState.SAME_MEMBER, UnionidState.OTHER_MEMBER)
    if facts.phone is PhoneState.NEW:
        return Decision.JOIN_BY_UNIONID if is_unionid_known else Decision.ENROL
    if facts.unionid is UnionidState.OTHER_MEMBER:
        return Decision.JOIN_BY_UNIONID
    if facts.phone is PhoneState.PROVISIONAL:
        return Decision.CONFIRM
    if facts.unionid is UnionidState.SAME_MEMBER or facts.phone is PhoneState.KNOWN:
        return Decision.JOIN
    return Decision.SECOND_PROOF


def _of_member(facts: BindingFacts) -> Decision:
    if facts.is_own_phone:
        return Decision.ALREADY_BOUND
    if facts.phone is PhoneState.NEW:
        is_wanted = facts.is_change or not facts.has_phone
        return Decision.SET_PHONE if is_wanted else Decision.OFFER_CHANGE
    if facts.unionid is UnionidState.SAME_MEMBER or facts.phone is PhoneState.PROVISIONAL:
        return Decision.OFFER_MERGE
    return Decision.SECOND_PROOF
