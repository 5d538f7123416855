"""Runs of a campaign (执行): when each began, how far it has come, and what became of those who entered."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from loyalty.broadcasts.models import Broadcast
from loyalty.campaigns.models import CampaignEntry, CampaignRevision, CampaignRun
from loyalty.campaigns.rules.entries import EntryState, MissReason
from loyalty.campaigns.rules.works import OPEN, Work, giver, run_subject
from loyalty.kernel.bulk import BulkState, Progress, find_progress
from loyalty.kernel.pagination import PAGE_SIZE, Page, decode_cursor, page_of


@dataclass(frozen=True, slots=True)
class RunView:
    """One time that a campaign went to its audience."""

    id: int
    occurrence: str
    number: int
    """Of the revision in force when it began."""
    planned_for_at: datetime
    started_at: datetime
    entering: Progress | None
    """Of writing down whom it reaches; None where members come one by one."""
    acting: Progress | None
    """Of giving; it begins when the last has entered."""
    entries: Mapping[EntryState, int] = field(default_factory=dict)
    missed: Mapping[MissReason, int] = field(default_factory=dict)
    broadcast_id: int | None = None
    """Of its messages."""

    @property
    def work(self) -> Progress | None:
        """The work that is done now, or was done last."""
        return self.acting or self.entering

    @property
    def is_moving(self) -> bool:
        """Whether work on it is under way."""
        return any(one is not None and one.state is BulkState.RUNNING for one in (self.entering, self.acting))

    @property
    def entered(self) -> int:
        """How many entered, whatever became of them."""
        return sum(self.entries.values())


def list_runs(
    session: Session, *, campaign_id: int, cursor: str | None = None, limit: int = PAGE_SIZE
) -> Page[RunView]:
    """Return the runs of a campaign, the latest first.

    Raises:
        InvalidCursor: the cursor is not ours.
    """
    run = CampaignRun
    query = (
        select(run.id, run.occurrence, CampaignRevision.number, run.planned_for_at, run.started_at)
        .join(CampaignRevision, CampaignRevision.id == run.revision_id)
        .where(run.campaign_id == campaign_id)
        .order_by(run.id.desc())
        .limit(limit + 1)
    )
    if (last_id := decode_cursor(cursor)) is not None:
        query = query.where(run.id < last_id)
    rows = session.execute(query).all()
    page = page_of(rows, limit=limit, id_of=lambda row: row.id)
    run_ids = [row.id for row in page.items]
    (entries, missed), broadcasts = _became(session, run_ids), _broadcasts(session, run_ids)
    views = [
        RunView(
            *row,
            entering=_progress(session, Work.ENTER, row),
            acting=_progress(session, Work.ACT, row),
            entries=entries[row.id],
            missed=missed[row.id],
            broadcast_id=broadcasts.get(run_subject(row.id)),
        )
        for row in page.items
    ]
    return Page(views, page.next_cursor)


def find_undoing(session: Session, *, campaign_id: int) -> Progress | None:
    """Return how far the undoing of a campaign has come; None while nobody began it."""
    return find_progress(session, kind=Work.UNDO, subject=giver(campaign_id))


def _progress(session: Session, kind: Work, row: object) -> Progress | None:
    occurrence, run_id = row.occurrence, row.id  # type: ignore[attr-defined]
    return None if occurrence == OPEN else find_progress(session, kind=kind, subject=run_subject(run_id))


def _broadcasts(session: Session, run_ids: Sequence[int]) -> Mapping[str, int]:
    query = select(Broadcast.subject, Broadcast.id).where(Broadcast.subject.in_(list(map(run_subject, run_ids))))
    return {subject: broadcast_id for subject, broadcast_id in session.execute(query)}


def _became(
    session: Session, run_ids: Sequence[int]
) -> tuple[Mapping[int, Mapping[EntryState, int]], Mapping[int, Mapping[MissReason, int]]]:
    entries: dict[int, dict[EntryState, int]] = defaultdict(lambda: dict.fromkeys(EntryState, 0))
    missed: dict[int, dict[MissReason, int]] = defaultdict(dict)
    entry = CampaignEntry
    query = select(entry.run_id, entry.state, entry.missed, func.count()).where(entry.run_id.in_(run_ids))
    for run_id, state, reason, count in session.execute(query.group_by(entry.run_id, entry.state, entry.missed)):
        entries[run_id][EntryState(state)] += count
        if reason is not None:
            missed[run_id][MissReason(reason)] = count
    return entries, missed
