"""How a payout is named elsewhere, and the business keys of those who ask for one.

Each origin has keys of its own, so that no key that a member's phone sends can mean what a batch pays.
"""

REFERENCE_PREFIX = "payout:"
_ASKED = "request:"
REHEARSAL_KEY = "rehearsal"


def reference_of(payout_id: int) -> str:
    """Return how ledgers, approvals, messages and the audit log name a payout."""
    return f"{REFERENCE_PREFIX}{payout_id}"


def key_of_request(sent: str) -> str:
    """Return the business key of what a member asks for, whatever their phone sent as its key."""
    return f"{_ASKED}{sent}"


def sent_key_of(key: str) -> str:
    """Return a business key as whoever asked knows it."""
    return key.removeprefix(_ASKED)


def key_of_batch(batch_id: int) -> str:
    """Return the business key of a batch's payout to a member."""
    return f"batch:{batch_id}"
