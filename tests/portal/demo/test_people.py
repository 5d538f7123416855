from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from loyalty.members.rules.phones import normalise_phone
from loyalty.members.rules.profile import check_birthday, clean_nickname
from portal.demo.people import HISTORY_DAYS, demo_members

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "at",
    [NOON, datetime(2026, 3, 9, 16, 0, 1, tzinfo=UTC), datetime(2026, 3, 10, 15, 59, tzinfo=UTC)],
    ids=["noon", "a second past midnight", "a minute before midnight"],
)
def test_everything_happened_in_order_and_before_now(at: datetime) -> None:
    members = demo_members(zone=SHANGHAI, at=at)
    assert [member.enrolled_at for member in members] == sorted(member.enrolled_at for member in members)
    assert members[0].enrolled_at > at - timedelta(days=HISTORY_DAYS + 1)
    for member in members:
        instants = [member.enrolled_at, *(act.at for act in member.acts)]
        assert instants == sorted(instants)
        assert instants[-1] <= at


def test_members_are_people_whom_the_rules_accept() -> None:
    members = demo_members(zone=SHANGHAI, at=NOON)
    assert len({member.phone for member in members}) == len(members)
    for member in members:
        assert normalise_phone(member.phone) == member.phone
        assert member.nickname is None or clean_nickname(member.nickname) == member.nickname
        if member.birthday is not None:
            check_birthday(member.birthday, today=member.enrolled_at.date())


def test_the_same_people_come_every_time() -> None:
    assert demo_members(zone=SHANGHAI, at=NOON) == demo_members(zone=SHANGHAI, at=NOON)
