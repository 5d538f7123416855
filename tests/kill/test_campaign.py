"""Killing the worker of a campaign, again and again: nothing is given twice, and its budget is spent exactly."""

import os

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from loyalty.campaigns.queries.campaigns import get_campaign
from loyalty.campaigns.rules.terms import CampaignState, Caps, GiveCoupon, GivePoints
from loyalty.campaigns.rules.works import Work, giver, run_subject
from loyalty.campaigns.service import life, undoing
from loyalty.kernel.database import Database
from loyalty.kernel.transaction import run
from tests.factories.campaign_runs import entered, put_in_force
from tests.factories.campaigns import CHECKER, campaign_of
from tests.factories.coupons import make_template
from tests.factories.points import AT
from tests.factories.tags import make_tag
from tests.kill.bulk_kills import BulkWork
from tests.support import engines
from tests.support.containers import null_container
from tests.support.proof import size

pytestmark = pytest.mark.kill

ROWS = size(reduced=2_000, full=50_000)
GIVEN = ROWS * 7 // 10
PAGED = tuple(f"loyalty.campaigns.service.{name}" for name in ("acting", "undoing"))
_MEMBERS = text(
    "WITH made AS (INSERT INTO members (number, status, enrolled_at, last_active_at)"
    " SELECT 'KC' || :mark || '-' || n, 'active', :at, :at FROM generate_series(1, :rows) n RETURNING id)"
    " INSERT INTO member_tags (member_id, tag_id, tagged_at, tagged_by) SELECT id, :tag_id, :at, 'test' FROM made"
)
_RUN = text("SELECT id FROM campaign_runs WHERE campaign_id = :id")
_LAST = text(
    "SELECT FROM campaign_entries WHERE campaign_id = :id AND member_id ="
    " (SELECT max(member_id) FROM campaign_entries WHERE campaign_id = :id) FOR UPDATE"
)
_CLOSING = text("SELECT FROM campaigns WHERE id = :id FOR NO KEY UPDATE")
_BOOKS = text(
    "SELECT (SELECT count(*) FROM campaign_entries WHERE campaign_id = :id AND state = 'done'),"
    " (SELECT count(*) FROM coupons WHERE reference LIKE 'campaign:' || :id || ':%' AND state = 'issued'),"
    " (SELECT count(DISTINCT member_id) FROM coupons WHERE reference LIKE 'campaign:' || :id || ':%'),"
    " (SELECT count(DISTINCT member_id) FROM ledger_entries WHERE reference LIKE 'campaign:' || :id || ':%'),"
    " (SELECT sum(points) FROM ledger_entries WHERE reference LIKE 'campaign:' || :id || ':%'),"
    " (SELECT sum(used) FROM limit_counters WHERE subject = 'campaign_points:' || :id),"
    " (SELECT sum(used) FROM limit_counters WHERE subject = 'campaign:' || :id),"
    " (SELECT sum(used) FROM limit_counters WHERE subject = 'coupon_template:' || :template_id AND entity = 'all')"
)


def test_a_campaign_whose_worker_is_killed_ends_as_if_undisturbed(
    committed_database: Database, committed_address: engines.Address, redis_url: str
) -> None:
    def make(session: Session) -> tuple[int, int]:
        template_id, tag_id = make_template(session, stock=ROWS), make_tag(session, name=f"杀 {os.getpid()}")
        session.execute(_MEMBERS, {"rows": ROWS, "at": AT, "mark": os.getpid(), "tag_id": tag_id})
        actions = (GivePoints(10, 30), GiveCoupon(template_id))
        terms = campaign_of(tag_id, actions=actions, caps=Caps(points=GIVEN * 10 + 9))
        return put_in_force(session, terms, at=AT), template_id

    campaign_id, template_id = run(committed_database, make)
    entered(null_container(committed_database, redis_url=redis_url, at=AT))
    run_id = run(committed_database, lambda session: session.scalars(_RUN, {"id": campaign_id}).one())

    def work(subject: str, rows: int, last_needs: object) -> BulkWork:
        return BulkWork(
            committed_database, committed_address, redis_url, rows,
            subject=subject, last_needs=last_needs, paged=PAGED,  # type: ignore[arg-type]
        )  # fmt: skip

    def books() -> tuple[object, ...]:
        named = {"id": campaign_id, "template_id": template_id}
        return tuple(run(committed_database, lambda session: session.execute(_BOOKS, named).one()))

    acted = work(run_subject(run_id), ROWS, _LAST.bindparams(id=campaign_id)).do_with_kills(Work.ACT)
    assert (acted.done, acted.figures) == (ROWS, {"given": GIVEN, "points_total": ROWS - GIVEN})
    assert books() == (GIVEN, GIVEN, GIVEN, GIVEN, GIVEN * 10, GIVEN * 10, GIVEN, GIVEN)

    run(committed_database, lambda session: life.end(session, campaign_id=campaign_id, actor=CHECKER, at=AT))
    run(committed_database, lambda session: undoing.undo(session, campaign_id=campaign_id, actor=CHECKER, at=AT))
    undone = work(giver(campaign_id), GIVEN, _CLOSING.bindparams(id=campaign_id)).do_with_kills(Work.UNDO)
    assert (undone.done, undone.figures) == (GIVEN, {"points_taken": GIVEN * 10, "coupons_taken": GIVEN})
    assert books() == (GIVEN, 0, GIVEN, GIVEN, 0, GIVEN * 10, GIVEN, 0)
    found = run(committed_database, lambda session: get_campaign(session, campaign_id=campaign_id))
    assert found.state is CampaignState.UNDONE
