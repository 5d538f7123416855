"""Reserving (占用额度): what the members of a page take of every limit, all of it or nothing, the hottest last.

Each step takes of one kind of limit for those who are still in; whoever is turned away gives back what the steps
before took for them. So what is left in the end holds exactly, whatever else is given at the same time.
"""

from collections.abc import Callable, Collection, Mapping, Sequence

from sqlalchemy.orm import Session

from loyalty.campaigns.rules.entries import MissReason
from loyalty.limits.rules import Limit, member_entity
from loyalty.limits.service import give_back, give_back_for_each, reserve_for_each, reserve_up_to, used

_GiveBack = Callable[[Collection[int]], None]


class Reservation:
    """Some members, what was taken for them, and why others are out."""

    def __init__(self, session: Session, member_ids: Sequence[int]) -> None:
        self._session = session
        self.member_ids = list(member_ids)
        """Who is still in, in their order."""
        self.missed: dict[int, MissReason] = {}
        self._taken: list[_GiveBack] = []
        self._late: set[int] = set()
        """Who came too late for some limit that all share."""

    def leave_out(self, reasons: Mapping[int, MissReason]) -> None:
        """Let members go without, and put back what was taken for them."""
        gone = [one for one in self.member_ids if one in reasons]
        if not gone:
            return
        for put_back in self._taken:
            put_back(gone)
        self.missed |= {one: reasons[one] for one in gone}
        self.member_ids = [one for one in self.member_ids if one not in reasons]

    def took(self, put_back: _GiveBack) -> None:
        """Note what a step has taken for all who are still in, by how it is put back."""
        self._taken.append(put_back)

    def take_own(self, limit: Limit, reason: MissReason) -> None:
        """Take one of a limit that each member has of their own, given for any one of them."""
        entities = {member_entity(one): one for one in self.member_ids}
        refused = reserve_for_each(self._session, limits=[limit], entities=list(entities))
        self.leave_out(dict.fromkeys((entities[entity] for entity in refused), reason))

        def put_back(gone: Collection[int]) -> None:
            amounts = {(member_entity(one), limit.period): 1 for one in gone}
            give_back_for_each(self._session, subject=limit.subject, amounts=amounts)

        self.took(put_back)

    def take_shared(self, limits: Sequence[Limit], amount_of: Callable[[int], int], reason: MissReason) -> None:
        """Take of limits that all share, for each member their amount; the first come first.

        Where it turns members away, fewer are left than the limits before would have borne: it is what stands against
        those whom they turned away, too.
        """
        wanted = sum(map(amount_of, self.member_ids))
        room = reserve_up_to(self._session, limits=limits, amount=wanted).amount if wanted else 0
        late: dict[int, MissReason] = {}
        for one in self.member_ids:
            if amount_of(one) > room:
                late[one] = reason
            else:
                room -= amount_of(one)
        give_back(self._session, limits=limits, amount=room)
        self.leave_out(late)
        if late:
            self.missed |= dict.fromkeys(self._late, reason)
            self._late |= late.keys()

        def put_back(gone: Collection[int]) -> None:
            give_back(self._session, limits=limits, amount=sum(map(amount_of, gone)))

        self.took(put_back)


def is_used_up(session: Session, limit: Limit, amount: int) -> bool:
    """Look, without a lock, whether less is left of a limit than one member takes."""
    return amount > 0 and used(session, limit=limit) + amount > limit.ceiling
