"""Pausing, resuming and stopping: no message is claimed once a pause has been written."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from loyalty.broadcasts.models import Broadcast
from loyalty.broadcasts.queries.broadcasts import get_broadcast
from loyalty.broadcasts.rules.errors import BroadcastNotInState
from loyalty.broadcasts.rules.states import BroadcastState
from loyalty.broadcasts.service.waking import wake
from loyalty.kernel import audit
from loyalty.kernel.audit import Actor


def pause(session: Session, *, broadcast_id: int, actor: Actor, at: datetime) -> None:
    """Send nothing more for the time being; messages on their way are let go.

    Raises:
        BroadcastNotFound: there is no such broadcast.
        BroadcastNotInState: it is not running.
    """
    _move(session, broadcast_id, [BroadcastState.RUNNING], BroadcastState.PAUSED, actor, at)


def resume(session: Session, *, broadcast_id: int, actor: Actor, at: datetime) -> None:
    """Go on where a paused broadcast stopped.

    Raises:
        BroadcastNotFound: there is no such broadcast.
        BroadcastNotInState: it is not paused.
    """
    _move(session, broadcast_id, [BroadcastState.PAUSED], BroadcastState.RUNNING, actor, at)
    wake(session, broadcast_id=broadcast_id, at=at)


def stop(session: Session, *, broadcast_id: int, actor: Actor, at: datetime) -> None:
    """Send nothing more for good; whoever still waits has the inbox message.

    Raises:
        BroadcastNotFound: there is no such broadcast.
        BroadcastNotInState: it is stopped already.
    """
    standing = [BroadcastState.RUNNING, BroadcastState.PAUSED]
    _move(session, broadcast_id, standing, BroadcastState.STOPPED, actor, at)


def _move(
    session: Session,
    broadcast_id: int,
    before: Sequence[BroadcastState],
    after: BroadcastState,
    actor: Actor,
    at: datetime,
) -> None:
    known = get_broadcast(session, broadcast_id=broadcast_id)
    moved = session.execute(
        update(Broadcast)
        .where(Broadcast.id == broadcast_id, Broadcast.state.in_(before))
        .values(state=after, error=None)
        .returning(Broadcast.id)
        .execution_options(synchronize_session=False)
    ).first()
    if moved is None:
        raise BroadcastNotInState(broadcast_id=broadcast_id, state=known.state)
    audit.write(
        session,
        actor=actor,
        action=f"broadcasts.{_VERBS[after]}",
        subject=f"broadcast:{broadcast_id}",
        before={"state": known.state},
        after={"state": after},
        at=at,
    )


_VERBS = {BroadcastState.PAUSED: "pause", BroadcastState.RUNNING: "resume", BroadcastState.STOPPED: "stop"}
