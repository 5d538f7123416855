"""Works of campaigns: what is done in pages, and by which names what a campaign gives is known elsewhere."""

from enum import StrEnum


class Work(StrEnum):
    """What is done in pages, as kinds of bulk work."""

    ENTER = "campaigns.enter"
    """Write down whom a run reaches."""
    ACT = "campaigns.act"
    """Give them what the campaign gives."""
    UNDO = "campaigns.undo"
    """Take back what is unused."""


ONCE = "once"
"""The occurrence of a campaign that goes to its audience one time."""
OPEN = "open"
"""The occurrence of the run to which belongs what events and visits set off one by one."""
GIVEN = "campaign.given"
"""The event that tells of a page of members who were given something."""


def run_subject(run_id: int) -> str:
    """Return what bulk work and messages call a run."""
    return f"campaign_run:{run_id}"


def run_id_of(subject: str) -> int:
    """Return the run that a subject names."""
    return int(subject.rpartition(":")[2])


def giver(campaign_id: int) -> str:
    """Return who puts tags and gives coupons and points, as they say it: a campaign."""
    return f"campaign:{campaign_id}"


def campaign_id_of(subject: str) -> int:
    """Return the campaign that a subject names."""
    return int(subject.rpartition(":")[2])


def reference_of(campaign_id: int, occurrence: str, number: int) -> str:
    """Return the reference of what one action, by its number, gives a member in an occurrence; nobody has it twice."""
    return f"campaign:{campaign_id}:{occurrence}:{number}"


def undo_reference(reference: str) -> str:
    """Return the reference of the entry that takes points back."""
    return f"{reference}:undone"
