import pytest

from benchmarks.failures import BenchFailed
from benchmarks.figures import Sample, share
from benchmarks.rounds import Pace, Row, Side, in_order, measure
from benchmarks.stand import Stand

STAND = Stand.__new__(Stand)  # the rows of these tests start nothing on it


class Recorder:
    def __init__(self) -> None:
        self.measured: list[str] = []

    def side(self, name: str, rate: float) -> Side:
        def work(_seconds: float) -> Sample:
            self.measured.append(name)
            return Sample(rate, 1)

        return Side(name, work)

    def row(self) -> Row:
        return Row(
            name="row",
            title="",
            stage=lambda _stand, _pace: [self.side("ours", 1), self.side("limit", 4)],
            compare=lambda samples: [share("row", samples["ours"], samples["limit"])],
        )


def test_sides_take_turns_and_begin_in_turn_after_a_warm_up_that_does_not_count() -> None:
    recorder = Recorder()

    (found,) = measure(recorder.row(), STAND, Pace(rounds=2), tell=lambda _line: None)

    assert recorder.measured == ["ours", "limit"] + ["ours", "limit"] + ["limit", "ours"]
    assert found.ratio == 0.25


def test_a_round_whose_books_do_not_fit_ends_everything() -> None:
    def lose(_seconds: float) -> Sample:
        raise BenchFailed("a check-in was lost")

    row = Row("row", "", lambda _stand, _pace: [Side("ours", lose)], lambda _samples: [])

    with pytest.raises(BenchFailed, match="lost"):
        measure(row, STAND, Pace(), tell=lambda _line: None)


def test_the_order_comes_round() -> None:
    sides = [Side(name, lambda _seconds: Sample(1, 1)) for name in "abc"]

    assert ["".join(side.name for side in in_order(sides, number)) for number in range(4)] == [
        "abc",
        "bca",
        "cab",
        "abc",
    ]
