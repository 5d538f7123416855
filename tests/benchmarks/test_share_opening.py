"""The script that openings are held against writes the rows that the service writes."""

from datetime import UTC, datetime

from sqlalchemy.orm import Session

from benchmarks.books import Books
from benchmarks.pgbench import run_pgbench
from benchmarks.rows.share_opening import ROWS_OF_AN_OPENING, SCRIPT, variables_of
from benchmarks.stand import Shop
from loyalty.kernel.transaction import run
from loyalty.referrals.queries.shares import ShareTokenView
from loyalty.referrals.rules.sharing import Channel, Purpose
from loyalty.referrals.service.sharing import mint
from tests.factories.referrals import make_sharer, make_visitor, open_by, publish


def test_an_opening_by_the_script_and_by_the_service(shop: Shop) -> None:
    at = datetime.now(UTC)

    def make(session: Session) -> tuple[ShareTokenView, int]:
        publish(session, at=at)
        sharer_id = make_sharer(session).id
        shared = mint(session, member_id=sharer_id, channel=Channel.MINI_PROGRAM, purpose=Purpose.REFERRAL, at=at)
        return shared, make_visitor(session).id

    shared, visitor_id = run(shop.database, make)
    books = Books(shop, ROWS_OF_AN_OPENING)

    variables = variables_of(shared, clients=1, number=1) | {"first_id": visitor_id, "members": 1}
    run_pgbench(shop.conninfo, SCRIPT, clients=1, transactions=1, variables=variables)
    books.expect(1, by="the script")
    run(shop.database, lambda session: open_by(session, make_visitor(session), shared.token, ip="10.9.8.7", at=at))

    books.expect(1, by="the service")
