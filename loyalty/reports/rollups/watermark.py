"""The watermark (水位): up to which id no transaction can write an entry any more.

Ids come from a sequence and are seen in another order than they were drawn: a gap may be a transaction that rolled
back, or one that commits later. Every id is drawn by the statement that inserts its entry, which holds a lock on the
table from before that until its transaction has ended and what it wrote is seen. So: read the last id drawn, then
note who holds such a lock; once none of those holds it any more, every entry up to that id is seen or never comes. No
one waits: what is not settled now is looked at again by the next run. The order of the statements is the proof.
"""

from sqlalchemy import text
from sqlalchemy.orm import Session

from loyalty.points.models import ENTRY_IDS
from loyalty.points.posting import ENTRIES
from loyalty.reports.rollups.models import RollupState

_LAST_DRAWN = text(f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {ENTRY_IDS.name}")  # noqa: S608
_WRITERS = text(
    "SELECT virtualtransaction FROM pg_locks"
    " WHERE locktype = 'relation' AND mode = 'RowExclusiveLock'"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    " AND relation = to_regclass(:table) AND pid IS DISTINCT FROM pg_backend_pid()"
)


def settle(session: Session, state: RollupState) -> None:
    """Move ``settled_until_id`` as far as is certain; the caller holds the state's row.

    Entries up to it are seen by every later statement of this transaction, which reads what is committed.
    """
    if _writers(session).intersection(state.waits_for):
        return
    state.settled_until_id = state.drawn_until_id
    # The id before the writers: who draws an id up to it afterwards does not exist.
    state.drawn_until_id = session.execute(_LAST_DRAWN).scalar_one()
    state.waits_for = sorted(_writers(session))
    if not state.waits_for:
        state.settled_until_id = state.drawn_until_id


def _writers(session: Session) -> set[str]:
    return set(session.scalars(_WRITERS, {"table": ENTRIES.name}))
