"""What follows from events: the one table of which module hears of what.

Handlers of one event run in the transaction that forgets it. They may run twice: each rests on a
unique key of what it calls.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from jobs import (
    arrivals,
    binding,
    broadcasts,
    bulk,
    campaigns,
    check_ins,
    commissions,
    coupons,
    earning,
    followers,
    growth,
    merging,
    missions,
    money_notices,
    payout_receipts,
    payouts,
    points_changes,
    pushes,
    referrals,
    risk,
    rollups,
    segments,
    sending,
    tiers,
)
from loyalty.container import Container
from loyalty.kernel import outbox
from loyalty.kernel.database import Json, Session
from loyalty.kernel.outbox import OutboxEvent
from loyalty.kernel.transaction import run

Handler = Callable[[Session, Container, Json, datetime], None]
Follower = Callable[[Session, Container, OutboxEvent, datetime], None]
Caller = Callable[[Container, Json, datetime], None]

IN_TRANSACTION: Mapping[str, Sequence[Handler]] = {
    "binding.code_wanted": (binding.send_code,),
    "broadcast.wanted": (),
    "bulk.wanted": (),
    "campaign.given": (campaigns.tell_given,),
    "check_in.made_up": (check_ins.mend_streaks, missions.count_made_up_day, rollups.note_check_in),
    "check_in.recorded": (
        growth.grow_by_check_in,
        earning.reward_check_in,
        check_ins.mend_streaks,
        missions.count_check_in,
    ),
    "consent.withdrawn": (payouts.forget_payee,),
    "coupon.issued": (coupons.tell_issued,),
    "coupon.redeemed": (coupons.pay_bonus,),
    "coupon.redemption_reversed": (coupons.take_back_bonus, rollups.note_redemption),
    "coupon.voided": (),
    "identity.followed": (referrals.open_by_scene,),
    "identity.unfollowed": (),
    "member.closed": (),
    "member.enrolled": (
        referrals.attribute,
        arrivals.attribute_enrolment,
        binding.open_account,
        binding.tell_bound,
        earning.reward_enrolment,
        missions.count_enrolment,
    ),
    "member.joined": (risk.recognise, arrivals.attribute_enrolment, binding.tell_bound),
    "member.merge_agreed": (merging.merge,),
    "member.merged": (referrals.follow_merge, commissions.follow_merge, rollups.note_merge),
    "member.phone_changed": (risk.note_phone,),
    "member.phone_detached": (),
    "member.profile_completed": (earning.reward_profile, missions.count_profile),
    "mission.cards_given": (missions.tell_of_cards,),
    "notice.requested": (),
    "order.recorded": (
        segments.follow_order,  # first: it holds the member, then the order
        referrals.note_purchase,
        missions.count_order,
        rollups.note_order,
    ),
    "order.refunded": (
        segments.follow_order,
        referrals.follow_refund,
        commissions.follow_refund,
        missions.count_order,
        rollups.note_order,
    ),
    "partner.event_reported": (earning.reward_reported, missions.count_reported),
    "payout.noticed": (payouts.follow_notice,),
    "payout.offered": (money_notices.tell_offered,),
    "payout.receipt_requested": (),
    "payout.requested": (),
    "payout.returned": (money_notices.tell_returned,),
    "payout.succeeded": (money_notices.tell_succeeded,),
    "points.adjusted": (points_changes.tell,),
    "points.earned": (points_changes.tell_of_own_act,),
    "points.reversed": (points_changes.tell,),
    "points.spent": (points_changes.tell_of_own_act,),
    "push.stored": (pushes.apply,),
    "referral.ended": (commissions.follow_reversal,),
    "referral.qualified": (referrals.reward,),
    "referral.reversed": (missions.count_friend,),
    "referral.rewarded": (missions.count_friend,),
    "risk.released": (referrals.follow_release, missions.follow_release, payouts.follow_release),
    "risk.reversed": (
        referrals.follow_reversal,
        commissions.follow_reversal,
        missions.follow_reversal,
        payouts.follow_reversal,
    ),
    "share.opened": (referrals.reward_opening,),
    "tier.demoted": (tiers.tell_changed,),
    "tier.ending": (tiers.tell_ending,),
    "tier.promoted": (tiers.tell_changed,),
}
"""Every kind of event there is; an empty row says that nobody reacts."""

FOLLOWED: Mapping[str, Follower] = {
    "check_in.recorded": campaigns.note_check_in,
    "coupon.redeemed": campaigns.note_redemption,
    "identity.followed": campaigns.note_follow,
    "member.enrolled": campaigns.note_enrolment,
    "order.recorded": campaigns.note_order,
    "referral.qualified": campaigns.note_friend,
    "tier.promoted": campaigns.note_promotion,
}
"""What may set campaigns off, after all else: they go by when it happened, however late it is delivered."""

BEFORE: Mapping[str, Caller] = {
    "broadcast.wanted": broadcasts.wake,
    "bulk.wanted": bulk.wake,
    "identity.followed": followers.learn_unionid,
    "notice.requested": sending.send_notice,
    "payout.receipt_requested": payout_receipts.take_step,
    "payout.requested": payouts.take_steps,
}
"""What talks to WeChat or to the queue server and so runs outside any transaction, before the event is forgotten."""


class UnknownEvent(Exception):
    """No row for this kind: this worker is older than the code that recorded it, or the row is missing."""


def handle(container: Container, event: OutboxEvent) -> None:
    """Let every module that reacts to an event do so, then forget the event.

    Raises:
        UnknownEvent: the kind is not in the table.
        LoyaltyError: as the handlers raise them; nothing of this event has happened then, except
            what was said to WeChat and recorded as said.
    """
    if event.kind not in IN_TRANSACTION:
        raise UnknownEvent(event.kind)
    if event.kind in BEFORE:
        BEFORE[event.kind](container, event.payload, container.clock.now())
    at = container.clock.now()

    def react(session: Session) -> None:
        for handler in IN_TRANSACTION[event.kind]:
            handler(session, container, event.payload, at)
        if event.kind in FOLLOWED:
            FOLLOWED[event.kind](session, container, event, at)
        outbox.complete(session, event_id=event.id)

    run(container.database, react)
