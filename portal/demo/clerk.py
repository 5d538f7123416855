"""The demo clerk's phone: a person of the simulated platform whose WeChat is bound to 孙店员, to take coupons with."""

from datetime import datetime

from loyalty.container import Container
from loyalty.gateways.protocols import OfficialAccount
from loyalty.kernel.database import Session
from loyalty.kernel.transaction import run
from loyalty.staff.bindings import bound_at
from loyalty.staff.queries import find_by_username
from loyalty.staff.service.bindings import link
from portal.demo.chain import ACTOR
from portal.demo.phones import person_of

USERNAME, NICKNAME = "clerk", "孙店员"


def bind_clerk(container: Container, account: OfficialAccount, *, at: datetime) -> bool:
    """Bind the clerk to a person of the simulated platform, where nobody has bound them; tell whether it was done.

    Raises:
        OSError: the simulated platform does not answer.
    """
    staff_id, since = run(container.database, _binding)
    if staff_id is None or since is not None:
        return False
    openid = str(person_of(container.settings.wechat_sandbox_url or "", NICKNAME)["openids"][account.appid])
    run(
        container.database,
        lambda session: link(session, staff_id=staff_id, appid=account.appid, openid=openid, actor=ACTOR, at=at),
    )
    return True


def _binding(session: Session) -> tuple[int | None, datetime | None]:
    clerk = find_by_username(session, username=USERNAME)
    return (None, None) if clerk is None else (clerk.id, bound_at(session, staff_id=clerk.id))
