"""Keeping: what an evaluation was reckoned from, so that the same number comes out for ever."""

from collections.abc import Iterable, Mapping
from typing import Any

from loyalty.earning.rules.evaluation import Evaluation, Room, RuleRevision, evaluate
from loyalty.earning.rules.facts import EventFacts


def inputs_of(facts: EventFacts, revisions: Iterable[RuleRevision], room: Room) -> dict[str, Any]:
    """Return what to keep of an evaluation beside its result."""
    return {
        "facts": facts.to_json(),
        "revision_ids": sorted(revision.id for revision in revisions),
        "room": room_to_json(room),
    }


def room_to_json(room: Room) -> list[list[Any]]:
    """Return what was left of limits as it is stored."""
    return [[revision_id, name, left] for (revision_id, name), left in sorted(room.items())]


def read_room(stored: Iterable[Iterable[Any]]) -> dict[tuple[int, str], int]:
    """Read back what was left of limits."""
    return {(revision_id, name): left for revision_id, name, left in stored}


def evaluate_again(inputs: Mapping[str, Any], revisions: Iterable[RuleRevision]) -> Evaluation:
    """Reckon a kept evaluation again, from its revisions, among which may be others."""
    wanted = set(inputs["revision_ids"])
    facts = EventFacts.from_json(inputs["facts"])
    return evaluate([one for one in revisions if one.id in wanted], facts, room=read_room(inputs["room"]))
