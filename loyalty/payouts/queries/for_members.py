"""A payout as its owner sees it: where the money is, and what they can do about it."""

from dataclasses import dataclass

from loyalty.payouts.queries.payouts import PayoutView
from loyalty.payouts.rules.states import CANCELLABLE, PayoutState
from loyalty.payouts.rules.words import told_member


@dataclass(frozen=True, slots=True)
class MemberPayout:
    """What the owner is shown beside the figures."""

    told: str
    is_cancellable: bool
    waits_for_owner: bool
    package: str | None
    """What the confirmation is opened with, in the account that the transfer goes to; in no other it could be."""


def seen_by_owner(payout: PayoutView, *, appid: str) -> MemberPayout:
    """Return what to show to the owner who looks in the account ``appid``; the caller has checked that it is theirs."""
    waits = payout.state is PayoutState.WAITING_CONFIRM and not payout.is_cancel_wanted
    told = "正在撤销" if payout.is_cancel_wanted and payout.settled_at is None else _told(payout)
    return MemberPayout(
        told=told,
        is_cancellable=is_cancellable(payout),
        waits_for_owner=waits,
        package=payout.package_info if waits and payout.appid == appid else None,
    )


def is_cancellable(payout: PayoutView) -> bool:
    """Tell whether a payout may still be called back; whether that comes in time is for WeChat Pay to say."""
    return payout.state in CANCELLABLE and not payout.is_cancel_wanted


def _told(payout: PayoutView) -> str:
    return told_member(
        state=payout.state,
        destination=payout.destination,
        points=payout.points,
        return_reason=payout.return_reason,
        fail_reason=payout.fail_reason,
    )
