from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from loyalty.kernel.transaction import run
from loyalty.points.service import verify
from tests.factories.stores import make_store
from tests.miniprogram_api.conftest import MiniProgram
from tests.support.containers import NullContainer, StandingClock
from tests.support.settings import SEAL_KEY

pytestmark = pytest.mark.usefixtures("plan")


class TestCheckIn:
    def test_pays_what_the_preview_showed(self, mini_program: MiniProgram) -> None:
        preview = mini_program.get("/check-ins").json["preview"][0]  # type: ignore[index]

        done = mini_program.post("/check-ins")

        assert done.status_code == 201
        assert done.json["points"] == preview["points"] > 0  # type: ignore[index]
        assert done.json["reason"].startswith("连续签到第1天")  # type: ignore[index]
        assert mini_program.get("/points").json["available"] == preview["points"]  # type: ignore[index]

    def test_a_second_tap_is_a_conflict_with_todays_result(self, mini_program: MiniProgram) -> None:
        first = mini_program.post("/check-ins", key="first-tap").json

        again = mini_program.post("/check-ins", key="second-tap")

        assert again.status_code == 409
        assert again.json["error"]["code"] == "already_checked_in"  # type: ignore[index]
        assert again.json["error"]["details"]["points"] == first["points"]  # type: ignore[index]

    def test_the_same_key_answers_as_the_first_time(self, mini_program: MiniProgram) -> None:
        first = mini_program.post("/check-ins", key="same-key-1")
        again = mini_program.post("/check-ins", key="same-key-1")

        assert (again.status_code, again.json) == (first.status_code, first.json)

    def test_the_key_still_answers_the_same_on_a_later_day(
        self, mini_program: MiniProgram, container: NullContainer
    ) -> None:
        first = mini_program.post("/check-ins", key="same-key-1")
        assert isinstance(container.clock, StandingClock)
        container.clock.advance(days=1)

        assert mini_program.post("/check-ins", key="same-key-1").json == first.json
        assert mini_program.post("/check-ins", key="other-key-1").json["streak"] == 2  # type: ignore[index]

    def test_names_the_store_and_refuses_an_unknown_one(self, mini_program: MiniProgram, session: Session) -> None:
        store = make_store(session)
        session.commit()

        assert mini_program.post("/check-ins", {"store_code": "nowhere"}).status_code == 404
        assert mini_program.post("/check-ins", {"store_code": store.code}).status_code == 201

    def test_a_visitor_is_asked_to_bind_a_phone(self, visitor: MiniProgram) -> None:
        refused = visitor.post("/check-ins")

        assert refused.status_code == 403
        assert refused.json["error"]["code"] == "membership_required"  # type: ignore[index]

    @pytest.mark.parametrize("key", ["short", "with space", "ключ-ключ", "x" * 65])
    def test_a_key_that_is_none_is_refused(self, mini_program: MiniProgram, key: str) -> None:
        assert mini_program.send("POST", "/check-ins", json={}, key=key).status_code == 422

    def test_leaves_books_that_add_up(self, mini_program: MiniProgram, container: NullContainer, at: datetime) -> None:
        mini_program.post("/check-ins")

        result = run(container.database, lambda session: verify(session, seal_key=SEAL_KEY, at=at))

        assert result.is_green
        assert result.entries_count >= 1


class TestCalendar:
    @pytest.mark.parametrize("month", ["2026-13", "26-01", "2026-1", "<script>"])
    def test_refuses_a_month_that_is_none(self, mini_program: MiniProgram, month: str) -> None:
        assert mini_program.get(f"/check-ins?month={month}").status_code == 422

    def test_shows_an_empty_month_of_long_ago(self, mini_program: MiniProgram) -> None:
        body = mini_program.get("/check-ins?month=2024-02").json

        assert body["month"] == "2024-02"  # type: ignore[index]
        assert body["days"] == []  # type: ignore[index]
