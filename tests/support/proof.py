"""How large a long proof is made: ``PROOF_SIZE=full`` for ``make prove``, small in every other run."""

import os

IS_FULL = os.environ.get("PROOF_SIZE") == "full"
EXAMPLES_IN_FULL = 2_000
"""Examples of each property that does not name a number of its own."""


def size(*, reduced: int, full: int) -> int:
    """Choose the size of this run."""
    return full if IS_FULL else reduced
