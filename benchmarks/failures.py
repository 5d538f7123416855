"""Why a bench stops: something was lost or doubled, or a part of it does not work."""


class BenchFailed(Exception):
    """The figures would be worth nothing; the text says why."""
