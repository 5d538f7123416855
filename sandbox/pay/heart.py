"""The pay side's own time: bills close and callbacks are repeated although nobody asks."""

from sandbox.pay import notices, transfers
from sandbox.world import World

BEAT_SECONDS = 0.25


def start(world: World) -> None:
    """Begins to beat; stops with the scheduler."""
    notices.resume(world)
    world.scheduler.later(BEAT_SECONDS, lambda: _beat(world))


def _beat(world: World) -> None:
    try:
        transfers.advance(world)
        notices.send_due(world)
    finally:
        world.scheduler.later(BEAT_SECONDS, lambda: _beat(world))
