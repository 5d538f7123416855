"""Invitations (邀请): the programme in words, and what became of the friends who came."""

from typing import TYPE_CHECKING, Any

from loyalty.kernel.transaction import run
from loyalty.referrals.queries import invitations, referrals
from loyalty.referrals.queries.opening_rewards import OpeningRewardView, list_opening_rewards
from loyalty.referrals.queries.referrals import ReferralView
from miniprogram_api.context import container, member_id
from miniprogram_api.v1.blueprint import subject
from miniprogram_api.v1.schemas import referrals as schemas
from miniprogram_api.v1.schemas.base import CursorQuery

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

blueprint = subject("referrals", __name__, description="Invite friends, and see what came of it.")


@blueprint.get("/invite-page")
@blueprint.response(200, schemas.InvitePage)
def show_invite_page() -> dict[str, Any]:
    """Show what invitations bring now, and what the member's came to; no programme while none are taken."""
    owner = member_id()

    def read(session: "Session") -> dict[str, Any]:
        offer = invitations.find_offer(session)
        totals = invitations.totals(session, member_id=owner)
        return {"programme": offer, "totals": totals}

    return run(container().database, read)


@blueprint.get("/referrals")
@blueprint.arguments(CursorQuery, location="query")
@blueprint.response(200, schemas.Referrals)
def list_referrals(query: dict[str, Any]) -> dict[str, Any]:
    """List the friends whom the member invited: when each came, what it paid, or why nothing."""
    owner = member_id()
    page = run(container().database, lambda session: referrals.list_referrals(session, referrer_id=owner, **query))
    return {"items": [_referral(view) for view in page.items], "next_cursor": page.next_cursor}


@blueprint.get("/opening-rewards")
@blueprint.arguments(CursorQuery, location="query")
@blueprint.response(200, schemas.OpeningRewards)
def list_openings(query: dict[str, Any]) -> dict[str, Any]:
    """List what openings alone paid the member, or why one did not."""
    owner = member_id()
    page = run(container().database, lambda session: list_opening_rewards(session, member_id=owner, **query))
    return {"items": [_opening(view) for view in page.items], "next_cursor": page.next_cursor}


def _referral(view: ReferralView) -> dict[str, Any]:
    return {
        "id": view.id,
        "channel": view.channel.value,
        "state": view.state.value,
        "sentence": view.sentence,
        "reward": view.referrers_outcome,
        "came_at": view.came_at,
        "rewarded_at": view.rewarded_at,
    }


def _opening(view: OpeningRewardView) -> dict[str, Any]:
    reward = view.reward
    return {
        "id": view.id,
        "channel": view.channel.value,
        "state": reward.state.value,
        "points": reward.points,
        "reward": reward.outcome,
        "opened_at": view.opened_at,
    }
