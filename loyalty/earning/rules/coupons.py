"""Coupons by rule (按规则送券): how a refusal is kept beside what limits left, and what explanations call a coupon.

A coupon that was refused stands in the room of an evaluation as a limit without anything left, so that whoever
reckons the evaluation again gets the same.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from loyalty.kernel.errors import LoyaltyError

_OF_COUPON = "coupon:"
TEMPLATE, TITLE = "coupon_template_id", "coupon_title"


def withheld(revision_id: int, refusal: LoyaltyError) -> tuple[int, str]:
    """Return the place in the room at which the refusal of a rule's coupon is kept."""
    return revision_id, f"{_OF_COUPON}{refusal.code}:{refusal.details.get('limit', '')}"


def why_withheld(room: Mapping[tuple[int, str], int], revision_id: int) -> dict[str, str] | None:
    """Return why the coupon of a rule was refused: by which code, and at which limit; nothing when it was not."""
    kept = (name for own_id, name in sorted(room) if own_id == revision_id and is_of_coupon(name))
    name = next(kept, None)
    if name is None:
        return None
    code, _, limit = name.removeprefix(_OF_COUPON).partition(":")
    return {"refusal": code} | ({"limit": limit} if limit else {})


def is_of_coupon(name: str) -> bool:
    """Tell whether what stands in the room under a name is about a coupon, and not about points."""
    return name.startswith(_OF_COUPON)


def template_of(explanation: Mapping[str, Any]) -> int | None:
    """Return the template of the coupon that an explanation tells of: given, refused or still to be had."""
    template_id: int | None = explanation.get(TEMPLATE) or explanation.get("lacking", {}).get(TEMPLATE)
    return template_id


def templates_in(explanations: Iterable[Mapping[str, Any]]) -> set[int]:
    """Return the templates of all coupons that explanations tell of."""
    return {found for one in explanations if (found := template_of(one)) is not None}


def with_title(explanation: dict[str, Any], titles: Mapping[int, str]) -> dict[str, Any]:
    """Return an explanation that also says what its coupon is called, as it is kept."""
    title = titles.get(template_of(explanation) or 0)
    return explanation if title is None else {**explanation, TITLE: title}
