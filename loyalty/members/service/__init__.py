"""Use cases of members: one file each, offered here by name."""

from loyalty.members.service.bind_by_code import bind_by_sms_code, bind_by_wechat_phone, change_phone_by_sms_code
from loyalty.members.service.binding import BindingOutcome, bind_phone, change_phone
from loyalty.members.service.consents import (
    give_consent,
    publish_text,
    set_notice_wanted,
    withdraw_consent,
)
from loyalty.members.service.housekeeping import forget_old_traces
from loyalty.members.service.identities import identify, note_follow, note_unfollow
from loyalty.members.service.phone_proofs import (
    PhoneProof,
    SmsRequest,
    proof_by_wechat,
    prove_phone_by_sms,
    request_sms_code,
)
from loyalty.members.service.profile import reveal_phone, set_birthday, set_nickname
from loyalty.members.service.proposals import agree_to_merge, propose_merge, prove_for_merge
from loyalty.members.service.provisional import EnrolledProvisionally, enrol_provisional
from loyalty.members.service.reviews import BindingCode, binding_code
from loyalty.members.service.second_proofs import (
    ask_staff,
    decide_by_staff,
    decline_second_proof,
    prove_by_review_code,
    settle_expired_reviews,
)
from loyalty.members.service.sessions import (
    Caller,
    authenticate,
    open_session,
    revoke_session,
    revoke_sessions,
)

__all__ = [
    "BindingCode",
    "BindingOutcome",
    "Caller",
    "EnrolledProvisionally",
    "PhoneProof",
    "SmsRequest",
    "agree_to_merge",
    "ask_staff",
    "authenticate",
    "bind_by_sms_code",
    "bind_by_wechat_phone",
    "bind_phone",
    "binding_code",
    "change_phone",
    "change_phone_by_sms_code",
    "decide_by_staff",
    "decline_second_proof",
    "enrol_provisional",
    "forget_old_traces",
    "give_consent",
    "identify",
    "note_follow",
    "note_unfollow",
    "open_session",
    "proof_by_wechat",
    "propose_merge",
    "prove_by_review_code",
    "prove_for_merge",
    "prove_phone_by_sms",
    "publish_text",
    "request_sms_code",
    "reveal_phone",
    "revoke_session",
    "revoke_sessions",
    "set_birthday",
    "set_nickname",
    "set_notice_wanted",
    "settle_expired_reviews",
    "withdraw_consent",
]
