"""Rules of closing an account (注销)."""

from datetime import timedelta

from loyalty.kernel.errors import Conflict

WAITING_PERIOD = timedelta(days=15)
"""Between the wish and the erasure; the wish can be taken back all that time."""


class NotClosing(Conflict):
    """The membership is not waiting to be closed."""

    code = "not_closing"
    message = "当前没有待处理的注销申请"
