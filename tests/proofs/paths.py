"""Every path on which points reach a limit (额度), by its door, and what is sent along it in the proof.

A door is whatever the outside calls: a view, the handler of an event, a job of the schedule. A new one that reaches a
limit needs a row here.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy.orm import Session

from app import create_app
from loyalty.adjustments.rules.single import Reason
from loyalty.adjustments.service import adjust_one
from loyalty.earning.rules import EarningEvent
from loyalty.kernel.database import connect
from loyalty.kernel.transaction import run
from loyalty.members import service as members
from loyalty.partners.queries import PartnerKeyView
from loyalty.stores.models import Store
from tests.factories.check_ins import SHANGHAI, check_in_on
from tests.factories.earning import ACTOR
from tests.factories.members import make_consents
from tests.portal.partner_api.conftest import Till
from tests.support import engines
from tests.support.containers import NullContainer, null_container
from tests.support.settings import VAULT

AT = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
TODAY = date(2026, 3, 10)
CHECK_IN_DAYS = tuple(TODAY - timedelta(days=days) for days in (3, 2, 1))
"""From Saturday to Monday: of two weeks."""
CUSTOM_KIND = "cup_returned"
PAID_FEN, CORRECTED_FEN, RETURNED_FEN = 700, 900, 300
EACH = 7
"""Points for any event: one for each yuan of a purchase."""
ADJUSTED = 5


@dataclass(frozen=True)
class World:
    """What all processes know: a key for two stores, their regulars, and people to whom things happen once."""

    address: engines.Address
    redis_url: str
    key: PartnerKeyView
    secret: str
    stores: tuple[Store, Store]
    regulars: tuple[tuple[int, str], ...]
    """Ids and phones."""
    people: tuple[int, ...]
    """Members whose birthday is today and who have no nickname yet."""
    visitors: tuple[tuple[int, str], ...]
    """Identities who are about to enrol, and their phones."""

    def regular(self, number: int) -> tuple[int, str]:
        return self.regulars[number % len(self.regulars)]

    def store(self, number: int) -> Store:
        return self.stores[number // len(self.regulars) % 2]

    def check_in_day(self, number: int) -> date:
        return CHECK_IN_DAYS[number // len(self.regulars) % len(CHECK_IN_DAYS)]


@dataclass(frozen=True)
class Site:
    """One process of the installation."""

    world: World
    container: NullContainer
    till: Till

    def send(self, path: str, body: Any) -> None:
        """Send a request, which is taken; each part of a batch too."""
        answer = self.till.post(path, body, key=None)
        parts = (answer.json or {}).get("results", [answer.json])
        assert answer.status_code < 300, answer.text
        assert not [part for part in parts if part.get("error")], answer.text


def open_site(world: World) -> Site:
    """Start the application as this process."""
    database = connect(world.address.url, pooling=world.address.pooling, connections=2)
    container = null_container(database, redis_url=world.redis_url, at=AT)
    client = create_app(container).test_client()
    nonces = count(os.getpid() * 10**9)
    return Site(world, container, Till(client, container, world.key, world.secret, world.stores[0], nonces))


def _about(site: Site, number: int) -> dict[str, Any]:
    return {"store_code": site.world.store(number).code, "phone": site.world.regular(number)[1]}


def _purchase(site: Site, letter: str, number: int, amount_fen: int = PAID_FEN, **changes: Any) -> dict[str, Any]:
    line = {"line_number": 1, "sku": "tea", "quantity": 1, "amount_fen": amount_fen}
    told = {"order_number": f"{letter}{number}", "paid_at": "2026-03-10T09:58:00+08:00", "lines": [line]}
    return _about(site, number) | told | changes


def _refund(site: Site, letter: str, number: int, amount_fen: int, *, part: int = 1) -> dict[str, Any]:
    line = {"line_number": 1, "quantity": 0, "amount_fen": amount_fen}
    return {
        "store_code": site.world.store(number).code,
        "refund_number": f"R{part}-{letter}{number}",
        "order_number": f"{letter}{number}",
        "refunded_at": "2026-03-10T09:59:00+08:00",
        "lines": [line],
    }


def _event(site: Site, letter: str, number: int, kind: str) -> dict[str, Any]:
    told = {"event_id": f"{letter}{number}", "kind": kind, "occurred_at": "2026-03-10T09:50:00+08:00"}
    return _about(site, number) | told


def _batch(site: Site, **parts: dict[str, Any]) -> None:
    site.send("/batches", {"events": [part | {"type": kind.partition("_")[0]} for kind, part in parts.items()]})


def buy(site: Site, number: int) -> None:
    site.send("/purchases", _purchase(site, "A", number))


def buy_in_a_batch(site: Site, number: int) -> None:
    _batch(site, purchase=_purchase(site, "B", number))


def report(site: Site, number: int) -> None:
    site.send("/events", _event(site, "E", number, CUSTOM_KIND))


def review(site: Site, number: int) -> None:
    site.send("/events", _event(site, "V", number, "review"))


def report_and_review_in_a_batch(site: Site, number: int) -> None:
    custom, reviewed = _event(site, "F", number, CUSTOM_KIND), _event(site, "W", number, "review")
    _batch(site, event_1=custom, event_2=reviewed)


def check_in(site: Site, number: int) -> None:
    member_id, _phone = site.world.regular(number)
    store_id, on = site.world.store(number).id, site.world.check_in_day(number)
    check_in_on(site.container.database, member_id, on, store_id=store_id, idempotency_key=f"tap-{number}")


def enrol(site: Site, number: int) -> None:
    identity_id, phone = site.world.visitors[number]

    def bind(session: Session) -> object:
        return members.bind_by_wechat_phone(
            session, vault=VAULT, identity_id=identity_id, phone=phone, consents=make_consents(),
            store_id=site.world.store(number).id, at=AT,
        )  # fmt: skip

    run(site.container.database, bind)


def complete_the_profile(site: Site, number: int) -> None:
    def name(session: Session) -> object:
        return members.set_nickname(session, vault=VAULT, member_id=site.world.people[number], nickname="小明", at=AT)

    run(site.container.database, name)


def adjust(site: Site, number: int) -> None:
    member_id, _phone = site.world.regular(number)

    def give(session: Session) -> object:
        return adjust_one(
            session, member_id=member_id, change=ADJUSTED, reason=Reason.GIFT, key=f"{number}", expires_on=None,
            zone=SHANGHAI, actor=ACTOR, at=AT,
        )  # fmt: skip

    run(site.container.database, give)


def preview(site: Site, number: int) -> None:
    lines = [{"line_number": 1, "sku": "tea", "quantity": 1, "amount_fen": PAID_FEN}]
    site.send("/purchase-previews", _about(site, number) | {"lines": lines})


def correct(site: Site, number: int) -> None:
    site.send("/purchases", _purchase(site, "A", number, CORRECTED_FEN, version=2))


def return_a_part(site: Site, number: int) -> None:
    site.send("/refunds", _refund(site, "A", number, RETURNED_FEN))


def return_a_part_and_buy_in_a_batch(site: Site, number: int) -> None:
    _batch(site, refund=_refund(site, "B", number, RETURNED_FEN), purchase=_purchase(site, "C", number))


def return_the_rest(site: Site, number: int) -> None:
    site.send("/refunds", _refund(site, "A", number, CORRECTED_FEN - RETURNED_FEN, part=2))


def return_the_rest_in_a_batch(site: Site, number: int) -> None:
    rest, all_of_it = _refund(site, "B", number, PAID_FEN - RETURNED_FEN, part=2), _refund(site, "C", number, PAID_FEN)
    _batch(site, refund_1=rest, refund_2=all_of_it)


Act = Callable[[Site, int], None]


@dataclass(frozen=True)
class Path:
    """What comes along one path: what earns, and later what changes and undoes that."""

    earning: Mapping[Act, Sequence[EarningEvent]]
    """Each with what a call of it earns by."""
    changing: Sequence[Act] = ()
    undoing: Sequence[Act] = ()


PATHS: Mapping[str, Path] = {
    "portal.partner_api.v1.purchases:purchase": Path({buy: [EarningEvent.PURCHASE]}, changing=[correct]),
    "portal.partner_api.v1.purchases:refund": Path({}, changing=[return_a_part], undoing=[return_the_rest]),
    "portal.partner_api.v1.batches:batch": Path(
        {buy_in_a_batch: [EarningEvent.PURCHASE]},
        changing=[return_a_part_and_buy_in_a_batch],
        undoing=[return_the_rest_in_a_batch],
    ),
    "jobs.earning:reward_reported": Path(
        {
            report: [EarningEvent.CUSTOM],
            review: [EarningEvent.REVIEW],
            report_and_review_in_a_batch: [EarningEvent.CUSTOM, EarningEvent.REVIEW],
        }
    ),
    "jobs.earning:reward_check_in": Path({check_in: [EarningEvent.CHECK_IN]}),
    "jobs.earning:reward_enrolment": Path({enrol: [EarningEvent.ENROLLED]}),
    "jobs.earning:reward_profile": Path({complete_the_profile: [EarningEvent.PROFILE_COMPLETED]}),
    "jobs.earning:reward_birthdays": Path({}),  # nobody sends anything: the day comes
}
BESIDE: Sequence[Act] = (adjust, preview)
"""What moves or looks at points and counts against nothing."""
