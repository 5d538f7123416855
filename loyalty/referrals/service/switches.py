"""Switching channels off and on (一键关闭): off stops minting, counting and paying at once."""

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from loyalty.kernel import audit
from loyalty.kernel.audit import Actor
from loyalty.referrals.models import ShareSwitch
from loyalty.referrals.queries.programmes import is_on
from loyalty.referrals.rules.sharing import Channel
from loyalty.risk.rules.reasons import check_reason


def turn_off(session: Session, *, channel: Channel, reason: str, actor: Actor, at: datetime) -> None:
    """Stop a channel at once; what is due by it waits until it is on again. Off already stays off.

    Raises:
        InvalidRiskReason: the reason is empty or too long.
    """
    _turn(session, channel, False, reason, actor, at)


def turn_on(session: Session, *, channel: Channel, reason: str, actor: Actor, at: datetime) -> None:
    """Let a channel be shared by again; on already stays on.

    Raises:
        InvalidRiskReason: the reason is empty or too long.
    """
    _turn(session, channel, True, reason, actor, at)


def _turn(session: Session, channel: Channel, to: bool, reason: str, actor: Actor, at: datetime) -> None:
    check_reason(reason)
    before = is_on(session, channel=channel)
    session.execute(
        update(ShareSwitch)
        .where(ShareSwitch.channel == channel, ShareSwitch.is_on.is_not(to))
        .values(is_on=to, changed_by=actor.name, changed_at=at)
        .execution_options(synchronize_session=False)
    )
    audit.write(
        session,
        actor=actor,
        action="referrals.turn_on" if to else "referrals.turn_off",
        subject=f"share_channel:{channel.value}",
        before={"is_on": before},
        after={"is_on": to, "reason": reason},
        at=at,
    )
