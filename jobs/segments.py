"""Segments (分群): what members bought is kept in step with events; snapshots and automatic tags come in pages."""

from datetime import datetime
from functools import partial

from jobs.pages import steps_of_matching, steps_with
from jobs.periodic import PeriodicRun
from loyalty.container import Container
from loyalty.kernel.database import Json, Session
from loyalty.kernel.transaction import run
from loyalty.segments import queries, service


def follow_order(session: Session, container: Container, payload: Json, _at: datetime) -> None:
    """Bring what a member bought in step with one of their orders."""
    service.follow_order(session, order_id=payload["order_id"], zone=container.zone)


def keep_automatic_tags(periodic: PeriodicRun) -> Json:
    """Begin to bring every automatic tag in step with its segment."""
    container = periodic.container

    def begin(session: Session) -> int:
        kept = queries.list_automatic_tags(session)
        for one in kept:
            service.keep_in_step(session, tag_id=one.tag_id, at=container.clock.now())
        return len(kept)

    return {"tags": run(container.database, begin)}


take_snapshot = steps_of_matching(service.take_page)
keep_tag = steps_of_matching(service.keep_page)
fill_purchases = steps_with(lambda container: partial(service.fill_purchases, zone=container.zone))
fill_birthdays = steps_with(lambda container: partial(service.fill_birthdays, vault=container.vault))
