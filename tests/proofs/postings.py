"""Points that come and go without a purchase, and holds, as steps of a life."""

from datetime import timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from loyalty.points import service as points
from loyalty.points.rules import InsufficientPoints
from tests.factories.checkout import SHANGHAI
from tests.factories.points import earn, spend
from tests.proofs.acts import Held, Spent
from tests.proofs.life import Life
from tests.proofs.machine import pick, picks
from tests.proofs.oracle import NotEnough

few_points = st.integers(1, 300)


class Posting(Life):
    def __init__(self, *values: object) -> None:
        super().__init__(*values)  # type: ignore[arg-type]
        self.spends: list[Spent] = []

    @rule(who=picks, given=few_points, lives=st.sampled_from([None, 3, 40]))
    def earns_otherwise(self, who: int, given: int, lives: int | None) -> None:
        person = pick(self.living, who)
        expires_at = None if lives is None else self.at + timedelta(days=lives)
        person.account.earn(given, self.at, expires_at)
        person.beside += given
        earn(self.session, person.id, given, at=self.at, expires_at=expires_at)

    @rule(who=picks, wanted=few_points)
    def spends_points(self, who: int, wanted: int) -> None:
        self.settle_holds()
        person = pick(self.living, who)
        try:
            draws = person.account.choose(wanted, self.at)
        except NotEnough:
            with pytest.raises(InsufficientPoints):
                spend(self.session, person.id, wanted, at=self.at)
            return
        person.account.draw(draws)
        person.beside -= wanted
        posted = spend(self.session, person.id, wanted, at=self.at)
        self.spends.append(Spent(person, posted.entry_id, wanted, draws))

    @property
    def undoable(self) -> list[Spent]:
        return [one for one in self.spends if one.left and one.person.survivor is None]

    @precondition(lambda self: self.undoable)
    @rule(number=picks, share=st.integers(1, 100))
    def undoes_a_spend(self, number: int, share: int) -> None:
        one = pick(self.undoable, number)
        back = max(1, one.left * share // 100)
        self.settle_holds()
        one.draws = self.give_back(one.person, one.draws, back)
        one.left -= back
        points.reverse(
            self.session, member_id=one.person.id, entry_id=one.entry_id, reference=f"undo:{next(self.numbers)}",
            at=self.at, zone=SHANGHAI, points=back,
        )  # fmt: skip

    @rule(who=picks, wanted=few_points, minutes=st.sampled_from([10, 10_000]))
    def holds_points(self, who: int, wanted: int, minutes: int) -> None:
        self.settle_holds()
        person = pick(self.living, who)
        reference, expires_at = f"hold:{next(self.numbers)}", self.at + timedelta(minutes=minutes)

        def place() -> None:
            points.place(
                self.session, member_id=person.id, points=wanted, reference=reference, expires_at=expires_at,
                at=self.at,
            )  # fmt: skip

        try:
            draws = person.account.choose(wanted, self.at)
        except NotEnough:
            with pytest.raises(InsufficientPoints):
                place()
            return
        place()
        person.account.bind(draws)
        self.holds.append(Held(person, reference, expires_at, wanted, draws))

    @property
    def placed(self) -> list[Held]:
        return [one for one in self.holds if one.is_open and one.expires_at > self.at]

    @precondition(lambda self: self.placed)
    @rule(number=picks, share=st.integers(0, 100))
    def captures_or_releases(self, number: int, share: int) -> None:
        one = pick(self.placed, number)
        self.settle_holds()
        self.close(one)
        taken = one.points * share // 100
        if not taken:
            points.release(self.session, member_id=one.person.id, reference=one.reference, at=self.at)
            return
        one.person.account.draw(one.person.account.first(one.draws, taken))
        one.person.beside -= taken
        points.capture(
            self.session, member_id=one.person.id, reference=one.reference, points=taken,
            explanation={"rule": "points_as_money"}, occurred_at=self.at, at=self.at,
        )  # fmt: skip
