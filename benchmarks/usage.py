"""Processor time of a server with all its processes, read from /proc."""

import os
from pathlib import Path

PROC = Path("/proc")
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
# Fields of /proc/<pid>/stat after the name: parent, and the time of itself and of children it has waited for.
_PARENT, _TIMES = 1, slice(11, 15)


def processor_seconds(leader: int) -> float | None:
    """Return the time that a process, its children and theirs have spent so far; None where there is no /proc."""
    if not PROC.joinpath("self", "stat").exists():
        return None
    stats = _stats()
    return sum(stats[pid][1] for pid in _family(leader, stats)) / _TICKS_PER_SECOND


def _family(leader: int, stats: dict[int, tuple[int, int]]) -> set[int]:
    family = {leader} & stats.keys()
    while found := {pid for pid, (parent, _) in stats.items() if parent in family} - family:
        family |= found
    return family


def _stats() -> dict[int, tuple[int, int]]:
    found = {}
    for entry in PROC.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = entry.joinpath("stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # gone meanwhile
        found[int(entry.name)] = (int(fields[_PARENT]), sum(map(int, fields[_TIMES])))
    return found
