"""Sending notices: the calls to WeChat happen here, between two transactions of the domain."""

from datetime import datetime

from loyalty.container import Container
from loyalty.kernel.database import Json
from loyalty.notices import service as notices


def accounts_of(container: Container) -> notices.Accounts:
    """Return our accounts at WeChat as the domain wants them."""
    return notices.Accounts(container.official_accounts, container.mini_programs)


def send_notice(container: Container, payload: Json, at: datetime) -> None:
    """Send what a member is owed, over the first way that works.

    Raises:
        SendAgainLater: WeChat is busy.
    """
    notices.send(
        container.database,
        accounts=accounts_of(container),
        notice_id=payload["notice_id"],
        zone=container.zone,
        at=at,
    )
