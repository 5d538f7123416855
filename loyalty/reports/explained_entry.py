"""One entry of the statement with all that can be told of it: its lots, its reversals, the rules and the misses."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from loyalty.earning.evaluations import EvaluationView, find_evaluation
from loyalty.earning.rules.explaining import explain
from loyalty.kernel.database import Json
from loyalty.points.rules import EntryKind
from loyalty.points.statement import EntryTrace, trace_entry


@dataclass(frozen=True, slots=True)
class ExplainedEntry:
    """An entry, and for one that rules paid a Chinese sentence for each of them.

    ``misses`` say what the same event lacked for more; they belong to the event and stand with each of its entries.
    """

    trace: EntryTrace
    awards: Sequence[str]
    misses: Sequence[str]


def explained_entry(session: Session, *, member_id: int, entry_id: int, at: datetime) -> ExplainedEntry:
    """Return an entry of a member's statement with its explanation.

    Raises:
        EntryNotFound: neither the member nor anybody merged into them has such an entry.
    """
    trace = trace_entry(session, member_id=member_id, entry_id=entry_id, at=at)
    evaluation = _evaluation(session, trace) if trace.entry.kind is EntryKind.EARN else None
    misses = evaluation.misses if evaluation is not None else ()
    return ExplainedEntry(trace, _sentences(trace.entry.explanation.get("awards", ())), _sentences(misses))


def _evaluation(session: Session, trace: EntryTrace) -> EvaluationView | None:
    """Find what was evaluated: under the entry's reference, or that without the number of a second entry."""
    if "awards" not in trace.entry.explanation:
        return None
    event, _, number = trace.reference.rpartition(":")
    references = [trace.reference, event] if number.isdigit() else [trace.reference]
    found = (find_evaluation(session, member_id=trace.owner_id, reference=reference) for reference in references)
    return next((evaluation for evaluation in found if evaluation is not None), None)


def _sentences(explanations: Sequence[Json]) -> list[str]:
    return [explain(explanation) for explanation in explanations]
