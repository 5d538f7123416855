"""A campaign for a great many members, whose workers are killed at ten points of chance on the way.

It is planned for all of them, has a budget for most, and its message goes to those who granted one, over days whose
quota the platform sets. The platform's own book says what went.
"""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from loyalty.broadcasts import service as broadcasts
from loyalty.broadcasts.queries import list_broadcasts, progress
from loyalty.broadcasts.rules.channels import Channel
from loyalty.broadcasts.rules.policy import PushPolicy
from loyalty.broadcasts.rules.states import Reason
from loyalty.broadcasts.service.sending import GROUP
from loyalty.campaigns.queries.forecast import forecast
from loyalty.campaigns.rules.terms import Caps, GivePoints, SendMessage, Terms
from loyalty.kernel import bulk
from loyalty.kernel.transaction import run
from tests.factories.broadcasts import ACTOR
from tests.factories.campaign_runs import put_in_force
from tests.factories.campaigns import SHANGHAI, campaign_of
from tests.factories.tags import make_tag
from tests.kill.conftest import Installation, installed
from tests.kill.horses import Death, Order, Ride, Stable
from tests.kill.subscribers import enrol, grant_at_platform, map_template, platform_book
from tests.support.proof import size
from tests.support.settings import VAULT

pytestmark = pytest.mark.kill

PLANNED = size(reduced=2_400, full=1_000_000)
SENT = size(reduced=1_200, full=51_000)
"""A thousand more than shall arrive: of those whose sender is killed, some messages never left."""
GIVEN = PLANNED * 7 // 10
POINTS, GRANTS = 10, 2
QUOTA = SENT * 2 // 5
"""Of the platform, for a day."""
SHARE = QUOTA * 80 // 100
"""Of marketing, once headquarters know the quota."""
SENDERS_KILLED = 7
PAGE_MOMENTS, SENDING_MOMENTS = size(reduced=30, full=7_000), size(reduced=250, full=9_000)
"""Of the pages, and of a day's sending, within which somebody is killed once; three and four deaths find as many."""
SENDING = Order(is_broadcasting=True)
_POINTS_GIVEN = "SELECT sum(points) FROM ledger_entries WHERE reference LIKE 'campaign:%'"
_POINTS_ONCE_EACH = (
    "SELECT count(DISTINCT member_id) = count(*) AND count(*) = :given FROM ledger_entries"
    " WHERE reference LIKE 'campaign:%'"
)
_INBOX_ONCE_EACH = "SELECT count(DISTINCT member_id) = count(*) AND count(*) = :given FROM inbox_messages"
_POINTS_COUNTED = "SELECT sum(used) FROM limit_counters WHERE subject LIKE 'campaign_points:%'"
_GRANTS_USED = "SELECT -sum(change) FROM subscription_grant_entries WHERE source IN ('delivery', 'returned')"


@pytest.fixture
def site(own_engines: Path, tmp_path: Path) -> Iterator[Installation]:
    quotas = {"/cgi-bin/message/subscribe/send": {"day": QUOTA}}
    with installed(own_engines, tmp_path, quotas=quotas) as made:
        yield made


class Workers:
    """Workers who are killed at points of chance, so often."""

    def __init__(self, site: Installation) -> None:
        self._site, self._stable, self._dice = site, Stable(site.environment), random.Random(5)
        self.deaths = 0

    def ride(self, order: Order) -> None:
        assert not self._stable.ride(order).has_died

    def die(self, next_order: Callable[[], Order | None], *, within: int) -> None:
        """Let workers do order after order until one has come to a moment of chance, and dies of it."""
        moment, ride = self._dice.randrange(within), Ride(has_died=False)
        while not ride.has_died:
            moment -= len(ride.moments)
            order = next_order()
            assert order is not None, "all is done, and nobody has died of it"
            ride = self._stable.ride(order, Death(moment))
        self._site.wait_until_the_dead_have_left()
        self._site.value("DELETE FROM leases WHERE name = 'broadcasts' OR name LIKE 'bulk:%' RETURNING name")
        self.deaths += 1

    def do_pages(self, *, deaths: int) -> None:
        """Do all bulk work: write down whom the campaign reaches, and give them what it gives."""
        for _ in range(deaths):
            self.die(self._next_page, within=PAGE_MOMENTS)
        while (order := self._next_page()) is not None:
            self.ride(order)

    def _next_page(self) -> Order | None:
        waiting = run(self._site.database, bulk.list_running)
        return Order(bulk_run_id=waiting[0]) if waiting else None

    def send_all_day(self, *, deaths: int) -> None:
        """Send until nothing more may go on this day."""
        for _ in range(deaths):
            self.die(self._sending, within=SENDING_MOMENTS)
        self._site.advance(180)
        self.ride(Order(job="carry_on_broadcasts"))
        while (order := self._sending()) is not None:
            self.ride(order)

    def _sending(self) -> Order | None:
        due = run(self._site.database, lambda session: broadcasts.list_due(session, at=self._site.now()))
        return SENDING if due else None

    def try_all_night(self) -> None:
        """Send nothing in the evening, nor when the platform's next day has begun and much is due; wake at noon."""
        for hour in (23, 1):
            self._site.set_time_of_day(hour)
            before = platform_book(self._site.sandbox.world).of_person.total()
            self.ride(SENDING)
            assert platform_book(self._site.sandbox.world).of_person.total() == before
        assert self._sending() is not None
        self._site.set_time_of_day(12)

    def leave(self) -> None:
        self._stable.close()


def launch(site: Installation) -> None:
    """Plan the campaign, see what is foreseen of it, and put it in force."""
    openids, at = grant_at_platform(site.sandbox.world, people=SENT, times=GRANTS), site.now()

    def make(session: Session) -> Terms:
        tag_id = make_tag(session)
        enrol(session, members=PLANNED, tag_id=tag_id, openids=openids, times=GRANTS, at=at)
        map_template(session, at=at)
        broadcasts.save_policy(session, policy=PushPolicy(messages_a_second=1_000), actor=ACTOR, at=at)
        message = SendMessage("会员日", "今天双倍积分", channels=(Channel.SUBSCRIPTION, Channel.INBOX))
        budget = Caps(points=GIVEN * POINTS + POINTS - 1)
        return campaign_of(tag_id, actions=(GivePoints(POINTS, 30), message), caps=budget)

    terms = run(site.database, make)
    foreseen = run(site.database, lambda session: forecast(session, terms, at=at, zone=SHANGHAI, vault=VAULT))
    assert foreseen.audience == PLANNED
    assert foreseen.given.points == GIVEN * POINTS
    assert foreseen.reach is not None
    assert foreseen.reach.by_channel[Channel.SUBSCRIPTION] == SENT
    run(site.database, lambda session: put_in_force(session, terms, at=at))


def test_a_campaign_killed_at_ten_points_sends_to_nobody_twice_and_spends_its_budget_exactly(
    site: Installation,
) -> None:
    launch(site)
    workers = Workers(site)
    workers.ride(Order(job="keep_time_of_campaigns"))
    workers.do_pages(deaths=3)

    workers.send_all_day(deaths=SENDERS_KILLED - 3)
    (first_day,) = platform_book(site.sandbox.world).of_day.values()
    assert first_day == QUOTA, "it stopped before the platform said so, or was let through"
    workers.try_all_night()
    at = site.now()
    known = PushPolicy(messages_a_second=1_000, subscription_quota=QUOTA)
    run(site.database, lambda session: broadcasts.save_policy(session, policy=known, actor=ACTOR, at=at))
    workers.send_all_day(deaths=3)
    workers.try_all_night()
    workers.send_all_day(deaths=0)
    workers.leave()
    assert workers.deaths == 3 + SENDERS_KILLED == 10

    (one,) = run(site.database, list_broadcasts).items
    told = run(site.database, lambda session: progress(session, one.id))
    assert (told.percent, told.total, told.sent) == (100, GIVEN, {Channel.SUBSCRIPTION: SENT})
    assert told.reasons == {Reason.NO_ACCOUNT: GIVEN - SENT}
    book = platform_book(site.sandbox.world)
    assert set(book.of_person.values()) == {1}, "somebody got it twice"
    assert SENT - told.unknown <= len(book.of_person) <= SENT
    assert told.unknown <= SENDERS_KILLED * GROUP, "a death leaves more than its own group in doubt"
    assert book.hours <= set(range(8, 22))
    assert all(count <= SHARE for count in sorted(book.of_day.values())[:-1]), book.of_day
    assert book.grants_left == SENT * GRANTS - len(book.of_person)
    assert_nothing_was_given_twice(site)


def assert_nothing_was_given_twice(site: Installation) -> None:
    assert site.value("SELECT count(*) FROM broadcast_attempts WHERE errcode = 43101") == 0
    assert site.value("SELECT min(balance_after) FROM subscription_grant_entries") >= 0
    assert site.value(_GRANTS_USED) == SENT
    assert site.value(_POINTS_GIVEN) == site.value(_POINTS_COUNTED) == GIVEN * POINTS
    for once_each in (_POINTS_ONCE_EACH, _INBOX_ONCE_EACH):
        assert site.value(once_each, given=GIVEN)
    assert site.value("SELECT count(*) FROM broadcast_attempts") == SENT
    assert site.value("SELECT count(*) FROM campaign_entries WHERE state = 'done'") == GIVEN
    assert site.value("SELECT count(*) FROM campaign_entries") == PLANNED
