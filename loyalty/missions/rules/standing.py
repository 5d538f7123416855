"""Where a step stands for a member."""

from enum import StrEnum

from loyalty.missions.rules.errors import MissionRewardHeld, MissionRewardRefused


class StepState(StrEnum):
    """What a member can do about a step."""

    OPEN = "open"
    """Not reached yet."""
    CLAIMABLE = "claimable"
    WAITING = "waiting"
    """Reached, and nothing can be had for the time being: the mission is paused, or somebody looks at it first."""
    REFUSED = "refused"
    """Reached, and risk refused it."""
    PAID = "paid"


def state_of(*, is_paid: bool, is_reached: bool, is_paused: bool, refusal: str | None = None) -> StepState:
    """Return where a step stands; what was paid stays so, also when a refund takes progress back later.

    ``refusal`` is the code of why a reward that was reached was not paid.
    """
    if is_paid:
        return StepState.PAID
    if not is_reached:
        return StepState.OPEN
    if refusal == MissionRewardRefused.code:
        return StepState.REFUSED
    is_waiting = is_paused or refusal == MissionRewardHeld.code
    return StepState.WAITING if is_waiting else StepState.CLAIMABLE
