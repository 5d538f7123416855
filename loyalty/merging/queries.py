"""Reading merges back from the audit log."""

from sqlalchemy.orm import Session

from loyalty.kernel import audit
from loyalty.merging.rules import Merge

ACTION = "merging.merge"


def find_merge(session: Session, *, other_id: int) -> Merge | None:
    """Return what the merge of a member into another did, or None when it was never merged."""
    entries = audit.list_entries(session, subject=f"member:{other_id}", action=ACTION)
    merges = (Merge(**entry.after) for entry in entries if entry.after is not None)
    return next((merge for merge in merges if merge.other_id == other_id), None)
