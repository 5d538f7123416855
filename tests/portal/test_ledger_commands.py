from datetime import datetime, timedelta

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from loyalty.members.models import Member
from tests.factories.members import make_member
from tests.factories.points import earn


def flask(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=["ledger", *arguments])


@pytest.fixture
def member(session: Session, at: datetime) -> Member:
    member = make_member(session)
    earn(session, member.id, 10, at=at - timedelta(days=1))
    return member


class TestVerify:
    def test_of_books_that_fit_says_so(self, app: Flask, member: Member) -> None:
        result = flask(app, "verify")

        assert result.exit_code == 0
        assert "1 accounts, 1 entries and 0 seals examined." in result.stdout
        assert "Everything fits." in result.stdout

    def test_names_the_row_that_does_not_fit_and_exits_with_1(
        self, app: Flask, session: Session, member: Member
    ) -> None:
        session.execute(text("UPDATE points_accounts SET balance = 11 WHERE member_id = :m"), {"m": member.id})

        result = flask(app, "verify")

        assert result.exit_code == 1
        expected = f"points_accounts {member.id} of member {member.id}: balance or debt is not its last entry's"
        assert expected in result.stderr

    def test_of_one_member_examines_that_one(self, app: Flask, session: Session, member: Member) -> None:
        other = make_member(session)
        earn(session, other.id, 10)
        session.execute(text("UPDATE points_accounts SET balance = 11 WHERE member_id = :m"), {"m": other.id})

        assert flask(app, "verify", "--member", str(member.id)).exit_code == 0
        assert flask(app, "verify", "--member", str(other.id)).exit_code == 1

    @pytest.mark.parametrize("number", ["999999999", "0", "-1", "abc", str(10**30)])
    def test_of_a_member_that_cannot_be_is_told_plainly(self, app: Flask, number: str) -> None:
        result = flask(app, "verify", "--member", number)

        assert result.exit_code in (1, 2)
        assert isinstance(result.exception, SystemExit)


class TestSeal:
    def test_seals_yesterday(self, app: Flask, member: Member) -> None:
        result = flask(app, "seal")

        assert (result.exit_code, result.stdout) == (
            0,
            "1 seals of points and 1 of money made; sealed until the end of 2026-03-09.\n",
        )
        proved = flask(app, "verify").stdout
        assert "1 accounts, 1 entries and 1 seals examined" in proved
        assert "0 money accounts, 0 entries and 1 seals examined" in proved

    def test_of_a_day_still_running_is_refused_plainly(self, app: Flask) -> None:
        result = flask(app, "seal", "--on", "2026-03-10")

        assert result.exit_code == 1
        assert "seal_too_early" in result.stderr
