"""Claiming in a flash sale (抢券) on one template, beside a single stock row that is held over the transaction.

In the database both are scripts that write the same rows. Over HTTP both are the mini program's claim: on the other
shop a trigger takes a single stock row before a coupon is written, and holds it to the end.
"""

from collections.abc import Callable, Sequence
from functools import partial

import psycopg

from benchmarks.couponing import Template, issue_one, make_template, require_exact
from benchmarks.failures import BenchFailed
from benchmarks.figures import Sample, Share, share
from benchmarks.load import LoadResult
from benchmarks.over_http import HttpSide, MemberNumbers, Request
from benchmarks.pgbench import SCRIPTS, measure_pgbench
from benchmarks.rounds import Pace, Row, Samples, Side
from benchmarks.rows.check_in import EMPTY, MEMBERS
from benchmarks.stand import Shop, Stand
from benchmarks.wire import NUMBER

CLIENTS = (32, 64)
BUCKETS, SINGLE_ROW = SCRIPTS / "claim.sql", SCRIPTS / "claim_single_row.sql"
_OTHERS = MEMBERS.count - MEMBERS.with_session
_HOLD_A_SINGLE_ROW = """
CREATE TABLE bench_stock (used bigint NOT NULL);
INSERT INTO bench_stock VALUES (0);
CREATE FUNCTION hold_the_stock() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM used FROM bench_stock FOR UPDATE;
    UPDATE bench_stock SET used = used + 1;
    RETURN NEW;
END $$;
CREATE TRIGGER hold_the_stock BEFORE INSERT ON coupons FOR EACH ROW EXECUTE FUNCTION hold_the_stock()"""


def _stage(stand: Stand, pace: Pace) -> Sequence[Side]:
    shop, held = stand.shop("check_in", members=MEMBERS), stand.shop("check_in_held", members=MEMBERS)
    with psycopg.connect(held.conninfo) as connection:
        connection.execute(_HOLD_A_SINGLE_ROW)
    web, held_web = stand.web(shop), stand.web(held)
    bare = stand.web(shop, application="benchmarks.bare:wsgi")
    numbers = {side: MemberNumbers(MEMBERS.with_session, is_each_once=True) for side in (shop.name, held.name)}
    sides = []
    for clients in CLIENTS:
        sides += [
            Side(f"claim {clients}", _claims(shop, web, numbers[shop.name], clients)),
            Side(f"held {clients}", _claims(held, held_web, numbers[held.name], clients)),
            Side(f"buckets {clients}", Scripted(shop, BUCKETS, clients).measure),
            Side(f"single row {clients}", Scripted(shop, SINGLE_ROW, clients).measure),
        ]
    again = MemberNumbers(MEMBERS.with_session, is_each_once=False)
    return [
        *sides,
        Side("sold out", HttpSide(web, shop, _sold_out(shop), again, pace.clients).measure),
        Side("empty route", HttpSide(bare, shop, EMPTY, again, pace.clients).measure),
    ]


def claim_of(template: Template, *, status: int = 201) -> Request:
    """Return the claim that each member makes."""
    return Request(
        method="POST",
        path=f"/miniprogram/v1/coupon-centre/{template.id}/claims",
        status=status,
        body="{}",
        headers=(f"Idempotency-Key: bench-claim-{template.id}-{NUMBER}",),
    )


def _claims(shop: Shop, web: object, numbers: MemberNumbers, clients: int) -> Callable[[float], Sample]:
    template = make_template(shop)
    issued = 0

    def check(result: LoadResult) -> None:
        nonlocal issued
        issued += result.statuses.get("201", 0)
        if require_exact(shop, template) != issued:
            raise BenchFailed(f"{issued} claims were answered with a coupon, and there are others")
        shop.analyze()  # plans made for empty tables scan what is written later

    return HttpSide(web, shop, claim_of(template), numbers, clients, check).measure  # type: ignore[arg-type]


def _sold_out(shop: Shop) -> Request:
    template = make_template(shop, stock=1)
    issue_one(shop, template, member_id=1)
    return claim_of(template, status=429)


class Scripted:
    """Writes the rows of a claim by pgbench, for members without a session, again and again."""

    def __init__(self, shop: Shop, script: object, clients: int) -> None:
        self._shop, self._clients = shop, clients
        self._script = partial(measure_pgbench, shop, script, clients=clients)  # type: ignore[arg-type]
        self._template = make_template(shop)
        issue_one(shop, self._template, member_id=1)
        self._round, self._issued = 0, 1
        if script == SINGLE_ROW:
            _all_in_one_row(shop, self._template)

    def measure(self, seconds: float) -> Sample:
        """Write for so many seconds."""
        self._round += 1
        variables = {
            "n": 0,
            "clients": self._clients,
            "first_id": MEMBERS.with_session + 1,
            "members": _OTHERS,
            "number": self._round,
            "template_id": self._template.id,
            "revision_id": self._template.revision_id,
        }
        sample = self._script(seconds=seconds, variables=variables)
        self._issued += sample.done
        if require_exact(self._shop, self._template) != self._issued:
            raise BenchFailed(f"pgbench claimed {self._issued} times, and there are other coupons")
        return sample


def _all_in_one_row(shop: Shop, template: Template) -> None:
    subject = f"coupon_template:{template.id}"
    with psycopg.connect(shop.conninfo) as connection:
        connection.execute("DELETE FROM limit_counters WHERE subject = %s AND bucket > 0", (subject,))
        connection.execute(
            "UPDATE limit_counters SET used = 1, share = ceiling WHERE subject = %s AND entity = 'all'", (subject,)
        )


def _compare(samples: Samples) -> Sequence[Share]:
    shares = []
    for clients in CLIENTS:
        over_http = samples[f"claim {clients}"], samples[f"held {clients}"]
        inside = samples[f"buckets {clients}"], samples[f"single row {clients}"]
        shares += [
            share(f"claim, {clients} clients in the database", *inside, good=2.0, goal=2.5),
            share(f"claim, {clients} clients over HTTP", *over_http, good=2.0, goal=2.5),
        ]
    return [*shares, share("sold out", samples["sold out"], samples["empty route"], good=0.5, goal=0.5)]


ROW = Row(name="claim", title="claims on one template against a single stock row", stage=_stage, compare=_compare)
