"""The holdout: chance and yet stable, the same in Python and in SQL, nested as its share grows."""

from functools import cache

import pytest
from sqlalchemy import BigInteger, func, select
from sqlalchemy.orm import Session

from loyalty.campaigns import holding_out
from loyalty.campaigns.rules.holdout import is_held_out

MEMBERS = range(1, 100_001)
CAMPAIGN = 12


@cache
def held_out(percent: int, campaign_id: int = CAMPAIGN) -> frozenset[int]:
    return frozenset(member_id for member_id in MEMBERS if is_held_out(campaign_id, member_id, percent))


@pytest.mark.parametrize("percent", [0, 1, 10, 50])
def test_sql_and_python_hold_out_the_same_members(session: Session, percent: int) -> None:
    member_id = func.generate_series(1, len(MEMBERS), type_=BigInteger).column_valued("member_id")
    condition = holding_out.is_held_out(CAMPAIGN, member_id, percent)

    assert set(session.scalars(select(member_id).where(condition))) == held_out(percent)


@pytest.mark.parametrize("percent", [1, 5, 10, 50])
def test_the_share_over_a_hundred_thousand_is_the_one_asked_for(percent: int) -> None:
    expected = len(MEMBERS) * percent / 100
    four_deviations = 4 * (expected * (1 - percent / 100)) ** 0.5

    assert abs(len(held_out(percent)) - expected) < four_deviations


def test_whoever_is_held_out_stays_so_as_the_share_grows() -> None:
    assert held_out(0) == set()
    assert held_out(5) < held_out(10) < held_out(50)


def test_another_campaign_holds_out_others() -> None:
    both = held_out(10) & held_out(10, campaign_id=CAMPAIGN + 1)

    assert abs(len(both) - len(MEMBERS) / 100) < 150


def test_the_draw_never_changes_between_versions() -> None:
    assert [member_id for member_id in range(1, 41) if is_held_out(1, member_id, 10)] == DRAWN


DRAWN = [1, 12, 15, 30, 36, 38]
"""Frozen: a campaign that runs over an upgrade keeps those it holds out."""
