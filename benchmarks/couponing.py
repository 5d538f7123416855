"""Coupons for the bench: templates, wallets full of them, and the proof that what was issued is what is counted."""

from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg
from sqlalchemy.orm import Session

from benchmarks.failures import BenchFailed
from benchmarks.stand import Shop
from loyalty.coupons.queries.templates import get_template
from loyalty.coupons.rules.states import IssuePath
from loyalty.coupons.rules.terms import CashOff, Claiming, DaysFromIssue, MemberLimits, Terms
from loyalty.coupons.service.issuing import issue
from loyalty.coupons.service.templates import create_template, publish
from loyalty.kernel.audit import Actor
from loyalty.kernel.transaction import run

STOCK = 100_000_000
MAKER = Actor("system:bench")
_TERMS = Terms(
    title="满 100 减 20",
    worth=CashOff(2_000),
    threshold_fen=10_000,
    validity=DaysFromIssue(30),
    member_limits=MemberLimits(total=10),
    claiming=Claiming(is_in_centre=True),
)
_FILL = """INSERT INTO coupons (member_id, template_id, revision_id, reference, path, actor, issued_at, usable_at,
    expires_at)
SELECT m, %(template_id)s, %(revision_id)s, 'bench:' || n, 'bulk', 'system', now(), now(),
    now() + interval '20 days' + n * interval '1 minute'
FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS m, generate_series(1, %(each)s::int) AS n"""
_COUNTS = """SELECT (SELECT count(*) FROM coupons WHERE template_id = %(id)s),
    (SELECT coalesce(sum(used), 0) FROM limit_counters
     WHERE subject = 'coupon_template:' || %(id)s AND entity = 'all' AND period = 'total')"""


@dataclass(frozen=True)
class Template:
    """A published template."""

    id: int
    revision_id: int


def make_template(shop: Shop, *, stock: int | None = STOCK) -> Template:
    """Publish a template in the centre."""
    at = datetime.now(UTC)

    def make(session: Session) -> Template:
        template_id = create_template(session, terms=_TERMS, stock=stock, actor=MAKER, at=at)
        return Template(template_id, publish(session, template_id=template_id, actor=MAKER, at=at))

    return run(shop.database, make)


def issue_one(shop: Shop, template: Template, *, member_id: int) -> None:
    """Issue a coupon by the service, which lays the counters of the stock out."""
    run(
        shop.database,
        lambda session: issue(
            session, template_id=template.id, member_id=member_id, path=IssuePath.STAFF,
            reference=f"bench:first:{template.id}",
            at=datetime.now(UTC), zone=shop.settings.time_zone,
        ),
    )  # fmt: skip


def fill_wallets(shop: Shop, template: Template, *, first: int, last: int, each: int) -> None:
    """Give members so many coupons each."""
    values = {"template_id": template.id, "revision_id": template.revision_id}
    with psycopg.connect(shop.conninfo) as connection:
        connection.execute(_FILL, {**values, "first": first, "last": last, "each": each})


def require_exact(shop: Shop, template: Template) -> int:
    """Return how many coupons of a template there are.

    Raises:
        BenchFailed: its stock says another number.
    """
    with psycopg.connect(shop.conninfo) as connection:
        row = connection.execute(_COUNTS, {"id": template.id}).fetchone()
    assert row is not None
    rows, counted = row
    told = run(shop.database, lambda session: get_template(session, template_id=template.id)).issued
    if not rows == counted == told:
        raise BenchFailed(f"{rows} coupons, but {counted} are counted and {told} told")
    return int(rows)
