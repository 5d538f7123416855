"""Whom conditions find: the same as the oracle over random people, whatever is combined; and nobody who is gone."""

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from loyalty.kernel.clock import business_date, start_of
from loyalty.kernel.crypto import Vault
from loyalty.members.rules.members import MemberStatus
from loyalty.points import service as points
from loyalty.points.rules.expiry import LotTerms
from loyalty.segments import queries
from loyalty.segments.matching import members_matching
from loyalty.segments.queries.finding import SAMPLE_SIZE, Found
from loyalty.segments.rules import fact_types as types
from loyalty.segments.rules.conditions import All, AnyOf, Condition, Not, dump, parse
from loyalty.segments.sources.parts import IdSpan
from loyalty.stores.rules import StoreScope
from tests.factories.members import make_member
from tests.factories.points import earn, place
from tests.factories.segments import Bought, Lot, Person, write_person, write_purchase
from tests.factories.stores import make_store
from tests.factories.tags import make_tag
from tests.segments import oracle
from tests.support import proof


@dataclass(frozen=True)
class Town:
    """People, and the ids of the stores and tags that they know."""

    people: list[Person]
    stores: list[int]
    tags: list[int]


@pytest.fixture
def town(session: Session, at: datetime, zone: ZoneInfo, vault: Vault) -> Town:
    stores = [make_store(session).id for _ in range(2)]
    tags = [make_tag(session) for _ in range(3)]
    chance = random.Random(20260310)
    people = [_person(chance, stores, tags, zone, at) for _ in range(60)]
    for person in people:
        write_person(session, person, at=at, zone=zone, vault=vault)
    return Town(people, stores, tags)


def _person(chance: random.Random, stores: list[int], tags: list[int], zone: ZoneInfo, at: datetime) -> Person:
    days = [0, 1, 2, 6, 7, 8, 29, 30, 31, 100]
    today = business_date(at, zone)
    birthdays = [None, (2, 29), (3, 10), (3, 17), (3, 18), (1, 1)]
    statuses = [MemberStatus.ACTIVE] * 8 + [status for status in MemberStatus if status is not MemberStatus.ACTIVE]
    assert today == date(2026, 3, 10)
    streak = chance.randint(1, 9)
    return Person(
        status=chance.choice(statuses),
        enrolled_ago=chance.choice(days),
        active_ago=chance.choice(days),
        store_id=chance.choice([None, *stores]),
        birthday=chance.choice(birthdays),
        level=chance.choice([None, 1, 2, 3]),
        growth=chance.choice([0, 50, 500]),
        manual_level=chance.choice([None, None, 3]),
        lots=[
            Lot(chance.choice([10, 50]), chance.choice([0, 0, 5]), chance.choice([None, 0, 1, 30, 31]))
            for _ in range(chance.randint(0, 2))
        ],
        bought=[_bought(chance, days, stores) for _ in range(chance.choice([0, 0, 1, 2, 3]))],
        tags=frozenset(chance.sample(tags, chance.randint(0, 2))),
        streaks=chance.choice([{}, {0: streak}, {1: streak}, {0: streak + 1, 1: streak}, {2: streak}]),
        kinds=frozenset(chance.sample(["oa", "mp"], chance.randint(0, 2))),
        is_following=chance.random() < 0.5,
    )


def _bought(chance: random.Random, days: list[int], stores: list[int]) -> Bought:
    lines = [(chance.choice(["tea", "cup"]), chance.choice([500, 10_000])) for _ in range(chance.randint(1, 2))]
    returned = [chance.choice([(0, 0), (0, 0), (1, 500), (2, fen)]) for _, fen in lines]
    return Bought(
        chance.choice(days), lines, returned, chance.choice([None, *stores]), chance.choice(["store", "online"])
    )


def _facts(town: Town) -> st.SearchStrategy[Condition]:
    number = st.sampled_from([None, 0, 1, 2, 3, 7, 8, 10, 20, 50, 60, 100, 500, 10_000, 20_000])
    days = st.sampled_from([None, 1, 2, 7, 8, 30, 31, 100, 101])
    store_ids = st.frozensets(st.sampled_from(town.stores), min_size=1)
    tag_ids = st.frozensets(st.sampled_from(town.tags), min_size=1)
    words = st.frozensets(st.sampled_from(["tea", "cup"]), min_size=1)
    made = [
        st.builds(types.Enrolled, days_least=days, days_most=days),
        st.builds(types.EnrolledStore, store_ids),
        st.builds(types.Birthday, st.integers(0, 10)),
        st.builds(types.BirthdayMonth, st.frozensets(st.integers(1, 12), min_size=1)),
        st.builds(types.HasBirthday, st.booleans()),
        st.builds(types.Activity, days_least=days, days_most=days),
        st.builds(types.Tier, st.frozensets(st.integers(1, 3), min_size=1)),
        st.builds(types.Growth, least=number, most=number),
        st.builds(types.Balance, least=number, most=number),
        st.builds(
            types.ExpiringPoints, least=st.sampled_from([1, 50, 51]), within_days=st.sampled_from([0, 1, 30, 31])
        ),
        st.builds(types.CheckInStreak, least=number, most=number),
        st.builds(types.Recency, days_least=days, days_most=days),
        st.builds(types.NeverBought, st.booleans()),
        st.builds(types.Frequency, within_days=days, least=number, most=number),
        st.builds(types.Money, within_days=days, least_fen=number, most_fen=number),
        st.builds(types.BoughtAt, store_ids, within_days=days),
        st.builds(types.BoughtThrough, st.just(frozenset({"online"})), within_days=days),
        st.builds(
            types.BoughtGoods, categories=words, within_days=days, times_least=st.integers(1, 2), fen_least=number
        ),
        st.builds(types.BoughtGoods, skus=st.just(frozenset({"sku-cup"})), within_days=days),
        st.builds(types.BoundThrough, st.frozensets(st.sampled_from(types.Kind), min_size=1)),
        st.just(types.Following()),
        st.builds(types.Tags, tag_ids, st.sampled_from(types.Match)),
    ]
    return st.one_of(*made)


def _conditions(town: Town) -> st.SearchStrategy[Condition]:
    def combined(part: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
        several = st.lists(part, max_size=3).map(tuple)
        return st.builds(All, several) | st.builds(AnyOf, several.filter(bool)) | st.builds(Not, part)

    return st.recursive(_facts(town), combined, max_leaves=6)


def _found(session: Session, condition: Condition, at: datetime, zone: ZoneInfo, vault: Vault) -> list[int]:
    return list(session.scalars(members_matching(condition, at=at, zone=zone, vault=vault)))


def test_whatever_is_asked_finds_exactly_whom_the_oracle_finds(
    session: Session, town: Town, at: datetime, zone: ZoneInfo, vault: Vault
) -> None:
    today = business_date(at, zone)
    known = {person.member_id for person in town.people}

    @settings(max_examples=proof.size(reduced=250, full=5_000), deadline=None, suppress_health_check=list(HealthCheck))
    @given(_conditions(town))
    def check(condition: Condition) -> None:
        found = [one for one in _found(session, condition, at, zone, vault) if one in known]
        assert sorted(found) == sorted(oracle.found(town.people, condition, today=today))

    check()


def test_what_is_found_by_pages_of_ids_is_what_is_found_at_once(
    session: Session, town: Town, at: datetime, zone: ZoneInfo, vault: Vault
) -> None:
    condition = AnyOf((types.Money(least_fen=1), Not(types.Balance(least=10)), types.Tags(frozenset(town.tags))))
    ids = sorted(person.member_id for person in town.people)
    spans = [IdSpan(ids[0] - 1, ids[25]), IdSpan(ids[25], ids[26]), IdSpan(ids[26], ids[-1])]

    paged = [
        one
        for span in spans
        for one in session.scalars(members_matching(condition, at=at, zone=zone, vault=vault, span=span))
    ]

    assert sorted(paged) == sorted(oracle.found(town.people, condition, today=business_date(at, zone)))


def test_a_condition_survives_its_document(session: Session, town: Town) -> None:
    @settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.frozensets(st.integers(1, 9), min_size=1), st.sampled_from(types.Match), st.integers(1, 99))
    def check(tags: frozenset[int], match: types.Match, least: int) -> None:
        condition = All((Not(types.Tags(tags, match)), AnyOf((types.Growth(least=least), types.HasBirthday()))))
        assert parse(dump(condition)) == condition

    check()


def test_count_and_sample_see_the_members_of_the_stores_in_scope(
    session: Session, town: Town, at: datetime, zone: ZoneInfo, vault: Vault
) -> None:
    scope = StoreScope(is_chain_wide=False, store_ids=frozenset(town.stores[:1]))
    condition, others = types.Enrolled(days_least=0), (types.NeverBought(), All(), AnyOf(()))
    theirs = {
        person.member_id: person
        for person in town.people
        if person.store_id == town.stores[0] and person.status in (MemberStatus.ACTIVE, MemberStatus.CLOSING)
    }
    never_bought = oracle.found(list(theirs.values()), others[0], today=business_date(at, zone))
    asked = {"at": at, "zone": zone, "vault": vault, "scope": scope}

    found = queries.find(session, condition, **asked, also=others)

    assert found.count == queries.count(session, condition, **asked) == len(theirs) > SAMPLE_SIZE
    assert len(found.sample) == SAMPLE_SIZE
    assert {one.id for one in found.sample} <= theirs.keys()
    assert list(found.also) == [len(never_bought), len(theirs), 0]
    assert 0 < len(never_bought) < len(theirs)
    assert queries.find(session, condition, **asked).sample == found.sample


def test_a_condition_that_finds_nobody_shows_nobody(
    session: Session, town: Town, at: datetime, zone: ZoneInfo, vault: Vault
) -> None:
    found = queries.find(session, Not(All()), at=at, zone=zone, vault=vault, also=[All()])

    assert found == Found(0, [], [0])


@pytest.mark.parametrize("status", [MemberStatus.PROVISIONAL, MemberStatus.CLOSED, MemberStatus.MERGED])
def test_who_is_gone_or_has_not_come_is_found_by_nothing(
    session: Session, at: datetime, zone: ZoneInfo, vault: Vault, status: MemberStatus
) -> None:
    person = Person(status=status, level=2)
    write_person(session, person, at=at, zone=zone, vault=vault)

    for condition in (All(), types.Tier(frozenset({2})), AnyOf((types.Tier(frozenset({2})), types.HasBirthday(False)))):
        assert person.member_id not in _found(session, condition, at, zone, vault)


class TestDays:
    """A day begins at midnight in Shanghai, 16:00 in UTC."""

    MIDNIGHT = datetime(2026, 3, 9, 16, 0, tzinfo=UTC)

    @pytest.mark.parametrize(("moved", "is_found"), [(timedelta(0), True), (-timedelta(microseconds=1), False)])
    def test_who_enrolled_at_midnight_enrolled_that_day(
        self, session: Session, at: datetime, zone: ZoneInfo, vault: Vault, moved: timedelta, is_found: bool
    ) -> None:
        member = make_member(session, enrolled_at=self.MIDNIGHT + moved)

        for fact in (types.Enrolled(days_most=0), types.Enrolled(first_on=date(2026, 3, 10))):
            assert (member.id in _found(session, fact, at, zone, vault)) is is_found
        assert (member.id in _found(session, types.Enrolled(last_on=date(2026, 3, 9)), at, zone, vault)) is not is_found

    @pytest.mark.parametrize(("moved", "is_found"), [(timedelta(0), True), (-timedelta(microseconds=1), False)])
    def test_who_bought_at_midnight_bought_that_day(
        self, session: Session, at: datetime, zone: ZoneInfo, vault: Vault, moved: timedelta, is_found: bool
    ) -> None:
        member = make_member(session)
        write_purchase(session, member.id, Bought(0), at=at, paid_at=self.MIDNIGHT + moved, zone=zone)

        for fact in (types.Recency(days_most=0), types.Frequency(within_days=1, least=1)):
            assert (member.id in _found(session, fact, at, zone, vault)) is is_found

    def test_a_birthday_on_29_february_is_celebrated_on_the_28th_of_other_years(
        self, session: Session, zone: ZoneInfo, vault: Vault
    ) -> None:
        person = Person(birthday=(2, 29))
        member_id = write_person(session, person, at=self.MIDNIGHT, zone=zone, vault=vault).id
        found_on = {
            day
            for day in (date(2026, 2, 27), date(2026, 2, 28), date(2026, 3, 1), date(2028, 2, 28), date(2028, 2, 29))
            if member_id in _found(session, types.Birthday(0), start_of(day, zone), zone, vault)
        }

        assert found_on == {date(2026, 2, 28), date(2028, 2, 29)}


def test_what_a_hold_binds_can_neither_be_spent_nor_expire(
    session: Session, at: datetime, zone: ZoneInfo, vault: Vault
) -> None:
    person = Person(lots=[Lot(50, last_in=3)])
    member_id = write_person(session, person, at=at, zone=zone, vault=vault).id
    enough = {"balance": types.Balance(least=50), "expiring": types.ExpiringPoints(least=50, within_days=3)}
    less = {"balance": types.Balance(least=40, most=40), "expiring": types.ExpiringPoints(least=40, within_days=3)}
    assert all(member_id in _found(session, fact, at, zone, vault) for fact in enough.values())

    place(session, member_id, 10, at=at)

    assert not any(member_id in _found(session, fact, at, zone, vault) for fact in enough.values())
    assert all(member_id in _found(session, fact, at, zone, vault) for fact in less.values())
    later = at + timedelta(minutes=15)  # the hold ran out
    assert all(member_id in _found(session, fact, later, zone, vault) for fact in enough.values())


def test_points_that_live_with_activity_expire_when_it_ends(
    session: Session, at: datetime, zone: ZoneInfo, vault: Vault
) -> None:
    member = make_member(session)
    points.open_account(session, member_id=member.id, at=at)
    earn(session, member.id, 50, at=at, terms=LotTerms(None, idle_days=5, idle_zone=zone.key))

    assert member.id not in _found(session, types.ExpiringPoints(within_days=4), at, zone, vault)
    assert member.id in _found(session, types.ExpiringPoints(within_days=5), at, zone, vault)
    assert member.id in _found(session, types.Balance(least=50), at, zone, vault)
    assert member.id not in _found(session, types.Balance(least=50), at + timedelta(days=6), zone, vault)
