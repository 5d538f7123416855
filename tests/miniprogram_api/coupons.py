"""What tests of coupons in the mini program share."""

from typing import Any

from tests.miniprogram_api.conftest import MiniProgram
from tests.support.containers import NullContainer, StandingClock


def offered(mini_program: MiniProgram) -> dict[int, Any]:
    return {one["template_id"]: one for one in mini_program.get("/coupon-centre").json["items"]}  # type: ignore[index]


def state_of(mini_program: MiniProgram, template_id: int) -> tuple[str, str | None]:
    offer = mini_program.get(f"/coupon-centre/{template_id}").json
    assert offer is not None
    return offer["state"], offer["reason"]


def wait(container: NullContainer, **parts: float) -> None:
    assert isinstance(container.clock, StandingClock)
    container.clock.advance(**parts)
