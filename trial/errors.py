"""What can go wrong on a newcomer's machine, said in one plain line."""


class TrialError(Exception):
    """The trial cannot go on; the message is one line that says why and what to do."""
