"""Rules of merging: what may become one, and what is moved by the module that owns it."""

from dataclasses import dataclass

from loyalty.kernel.errors import InvalidInput

MOVED_BY_OWNER = frozenset(
    {
        "members",
        "points_accounts",
        "lots",
        "holds",
        "member_tiers",
        "check_ins",
        "member_purchase_totals",
        "earnings_accounts",
        "mission_counts",
        "mission_progress",
        "mission_rewards",
    }
)
"""Tables whose declaration says ``custom``: ``service.merge`` calls the use case of their module."""


class SameMember(InvalidInput):
    """A member cannot be merged into itself."""

    code = "same_member"
    message = "不能与自己合并"


@dataclass(frozen=True, slots=True)
class Merge:
    """What a merge did: row ids by table, points and check-ins."""

    survivor_id: int
    other_id: int
    points: int
    check_ins: int
    moved: dict[str, list[int | str]]
    """Ids of the rows that changed hands, by table."""
