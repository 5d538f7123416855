"""Faults on every path to a coupon: web processes, workers and clients are killed, connections cut, Redis emptied.

Whatever happens, when everybody has asked again and the workers are done, the stock is issued exactly, nobody has more
than one, whatever was answered is there, and who had to pay has paid once.
"""

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from math import ceil
from pathlib import Path as File
from subprocess import Popen

import pytest
from sqlalchemy import make_url
from sqlalchemy.orm import Session

from loyalty.kernel.transaction import run
from loyalty.partners.rules.keys import PartnerCaller
from tests.browser.system import free_port
from tests.concurrency.coupon_paths import PATHS, Path
from tests.factories.partners import make_key
from tests.factories.stores import make_store
from tests.kill.conftest import Installation, installed
from tests.kill.coupon_books import assert_exact, assert_proved
from tests.kill.coupon_crowd import Clients, Errand
from tests.kill.coupon_faults import Faults, pass_the_time
from tests.kill.coupon_requests import Addresses
from tests.kill.coupon_wishes import PRICE, Asking, Offer, Wish, make_shoppers, open_offer
from tests.support.proof import IS_FULL, size
from trial.environment import LOCAL
from trial.processes import wait_until

pytestmark = pytest.mark.kill

CLIENTS = size(reduced=4, full=64)
TURNS = size(reduced=30, full=200)
"""Members for each client, who come one after the other."""
STOCK = size(reduced=100, full=10_000)
LAST_ONES = size(reduced=1, full=2)
"""Offers of which there is one coupon, wanted by all clients at about the same moment, on the way."""
ROUNDS = size(reduced=1, full=8)
"""How often each fault strikes."""
WORKERS = 2
ALONE = [name for name, path in PATHS.items() if IS_FULL or "worker" not in path.victims]
"""A small proof has those that need workers, which take their time, only among all at once."""
CHECK_SECONDS = size(reduced=60, full=600)
TRIES, TRY_SECONDS = size(reduced=20, full=90), size(reduced=10, full=20)
_FORGOTTEN = (
    "DELETE FROM outbox_events RETURNING id",
    "UPDATE bulk_runs SET state = 'finished', finished_at = now() WHERE state <> 'finished' RETURNING id",
)
_WAITING = "SELECT (SELECT count(*) FROM outbox_events) + (SELECT count(*) FROM bulk_runs WHERE state <> 'finished')"
_UNCHECKED = "SELECT count(*) FROM bulk_runs WHERE kind LIKE 'coupon_issues.check%' AND state <> 'finished'"
_ISSUED = "SELECT count(*) FROM coupons WHERE template_id = :id"
_numbers = count(1)


@dataclass(frozen=True)
class Shop:
    """A running system, and the key of its tills."""

    site: Installation
    web: Popen[bytes]
    workers: list[Popen[bytes]]
    scheduler: Popen[bytes]
    addresses: Addresses


@dataclass(frozen=True)
class Sale:
    """Offers of one coupon and of many, and who wants them."""

    many: Offer
    last_ones: Sequence[Offer]
    wishes: Sequence[Sequence[Wish]]
    """By client."""


@pytest.fixture(scope="module")
def shop(own_engines: File, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with installed(own_engines, tmp_path_factory.mktemp("shop")) as site:
        port = free_port()
        scheduler, workers = site.run("scheduler"), [site.run("worker") for _ in range(WORKERS)]
        web = site.keep_serving(port)
        named = make_url(site.postgres.url(site.database_name)).update_query_dict({"application_name": "a client"})

        def key(session: Session) -> Shop:
            store = make_store(session)
            view, secret = make_key(session, [store])
            caller = PartnerCaller(view.id, view.key_id, view.name, view.requests_per_minute, (store.id,), False)
            url = named.render_as_string(hide_password=False)
            web_address = f"http://{LOCAL}:{port}"
            addresses = Addresses(web_address, url, site.offset_file, caller, secret, store.code)
            return Shop(site, web, workers, scheduler, addresses)

        site.wait(lambda: site.has_logged("scheduler_started"), "the scheduler does not start")
        scheduler.send_signal(signal.SIGSTOP)
        yield run(site.database, key)


def open_sale(shop: Shop, paths: Sequence[Path]) -> Sale:
    """Prepare the wishes of a client for each path."""
    at, members = shop.site.now(), len(paths) * TURNS

    def offer(session: Session, stock: int) -> Offer:
        return open_offer(session, stock=stock, count=members, at=at)

    def prepare(session: Session) -> Sale:
        many = offer(session, STOCK)
        last_ones = [offer(session, 1) for _ in range(LAST_ONES)]
        ids = make_shoppers(session, count=members, points=PRICE * (1 + LAST_ONES), at=at)

        def wishes(client: int, path: Path) -> Sequence[Wish]:
            first = client * TURNS
            group = ids[first : first + TURNS]
            wanted = list(path.wish(Asking(session, shop.addresses.caller, many, group, first, at)))
            for number, last in enumerate(last_ones):
                asking = Asking(session, shop.addresses.caller, last, group[number : number + 1], first + number, at)
                place = len(wanted) * (number + 1) // (LAST_ONES + 1)
                wanted[place:place] = path.wish(asking)
            return wanted

        return Sale(many, last_ones, [wishes(client, path) for client, path in enumerate(paths)])

    return run(shop.site.database, prepare)


@contextmanager
def at_work(shop: Shop, victims: Sequence[str]) -> Iterator[None]:
    """Let events reach the workers where a path needs that; what earlier sales left to do is forgotten."""
    for statement in _FORGOTTEN:
        shop.site.value(statement)
    if "worker" in victims:
        shop.scheduler.send_signal(signal.SIGCONT)
    try:
        yield
    finally:
        shop.scheduler.send_signal(signal.SIGSTOP)


def errands(shop: Shop, paths: Sequence[Path], sale: Sale) -> Sequence[Errand]:
    each = zip(paths, sale.wishes, strict=True)
    return [
        Errand(shop.addresses, path.ask, wishes, shop.site.folder / f"client-{next(_numbers)}.notes")
        for path, wishes in each
    ]


def fire(shop: Shop, sale: Sale, clients: Clients, faults: Sequence[Callable[[], None]]) -> None:
    """Let everybody come, and let each fault strike when the sale has come so far."""
    clients.start()
    for number, strike in enumerate(faults, start=1):
        enough = STOCK * number // (len(faults) + 1)
        go_on(shop.site, clients, lambda enough=enough: issued(shop, sale) >= enough)  # type: ignore[misc]
        strike()
    clients.join()


def issued(shop: Shop, sale: Sale) -> int:
    return shop.site.value(_ISSUED, id=sale.many.template_id) or 0


def go_on(site: Installation, clients: Clients, is_far: Callable[[], bool]) -> None:
    """Wait until the work has come so far, however much of it lay with those who are dead."""
    for _ in range(TRIES):
        if wait_until(is_far, within_seconds=TRY_SECONDS):
            return
        clients.assert_sound()
        pass_the_time(site)
    raise AssertionError(f"the work does not go on\n{site.logs()}")


def nothing_waits(site: Installation) -> bool:
    return bool(site.value(_WAITING) == 0)


@pytest.mark.parametrize(
    "names",
    [
        *(pytest.param([name] * CLIENTS, id=name) for name in ALONE),
        pytest.param(list(PATHS) * ceil(CLIENTS / len(PATHS)), id="all_at_once"),
    ],
)
def test_the_stock_is_exact_whatever_breaks(shop: Shop, names: Sequence[str]) -> None:
    site, paths = shop.site, [PATHS[name] for name in names]
    victims = sorted({victim for path in paths for victim in path.victims})
    with at_work(shop, victims):
        sale = open_sale(shop, paths)
        site.wait(lambda: site.value(_UNCHECKED) == 0, "jobs are not checked", CHECK_SECONDS)
        clients = Clients(errands(shop, paths, sale))
        began = time.perf_counter()
        fire(shop, sale, clients, Faults(site, shop.web, shop.workers, clients).plan(victims, ROUNDS))
        clients.start()  # everybody asks again, under the same keys
        clients.join()
        if "worker" in victims:
            pass_the_time(site)
            go_on(site, clients, lambda: nothing_waits(site))
    seconds = time.perf_counter() - began
    print(f"\n{len(names)} clients by {', '.join(dict.fromkeys(names))}: {STOCK} coupons in {seconds:.1f} s")

    with site.database.session() as session:
        for offer in (sale.many, *sale.last_ones):
            assert_exact(session, offer, clients.answers())
        assert_proved(session, site)
