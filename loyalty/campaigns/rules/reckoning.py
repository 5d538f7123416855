"""Reckoning (测算): how often a campaign can give within its caps and the stock, and what that costs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from loyalty.campaigns.rules.costs import Cost
from loyalty.campaigns.rules.terms import Caps


@dataclass(frozen=True, slots=True)
class Given:
    """How often a campaign would give, and what that comes to; an entry is one member at one time."""

    entries: int
    members: int
    points: int
    coupons: int
    points_fen: int
    coupons_fen: int

    @property
    def fen(self) -> int:
        """What it costs."""
        return self.points_fen + self.coupons_fen


def rest_of(caps: Caps, used: Mapping[str, int]) -> Caps:
    """Return what is left of caps, of whose totals so much is ``used``; who took part before may do so again."""

    def left(name: str, cap: int | None) -> int | None:
        return None if cap is None else max(0, cap - used.get(name, 0))

    return replace(
        caps,
        points=left("points", caps.points),
        coupons=left("coupons", caps.coupons),
        fen=left("fen", caps.fen),
    )


def given_to(members: int, *, times: int, cost: Cost, caps: Caps, stock: Mapping[int, int], taken: int = 0) -> Given:
    """Return what so many members are given, each so many times at most, within caps and stock.

    ``taken`` is how often members were given it before, which is taken for times of theirs.
    ``stock`` is how many coupons of a template are left for each time that the campaign gives it. An entry that meets
    a limit is given nothing at all, so that the tightest bounds the number of entries.
    """
    members = min(members, members if caps.members is None else caps.members)
    entries = min([max(0, members * times - taken), *_room(cost, caps), *stock.values()])
    return _given(entries, min(members, entries), cost)


def most_fen(cost: Cost, *, caps: Caps, stock: Mapping[int, int], given: Given, is_open: bool) -> int | None:
    """Return the most that a campaign can cost; ``is_open`` says that others may come than are in its audience now."""
    if not cost.has_value:
        return 0
    if not is_open:
        return given.fen
    rooms = [*_room(cost, caps), *stock.values()]
    if caps.members is not None:
        rooms.append(caps.members * caps.times_a_member)
    return min(rooms) * cost.fen if rooms else None


def costs_more(most_fen: int | None, *, seen_fen: int | None, leeway_fen: int) -> bool:
    """Tell whether the most that a campaign can cost is more than somebody has read; None stands for no bound.

    An audience grows by the minute: what nobody need approve, ``leeway_fen``, makes no difference.
    """
    return seen_fen is not None and (most_fen is None or most_fen > seen_fen + leeway_fen)


def _room(cost: Cost, caps: Caps) -> Sequence[int]:
    """Return for how many entries each cap suffices."""
    pairs = ((caps.points, cost.points), (caps.coupons, cost.coupons), (caps.fen, cost.fen))
    return [cap // once for cap, once in pairs if cap is not None and once]


def _given(entries: int, members: int, cost: Cost) -> Given:
    return Given(
        entries=entries,
        members=members,
        points=entries * cost.points,
        coupons=entries * cost.coupons,
        points_fen=entries * cost.points_fen,
        coupons_fen=entries * cost.coupons_fen,
    )
