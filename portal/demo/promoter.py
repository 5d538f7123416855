"""The demo promoter (推广员): who they are, at the simulated platform as well, so that they can be paid for real."""

from dataclasses import dataclass
from datetime import datetime

from loyalty.container import Container
from loyalty.kernel.database import Session
from loyalty.members import queries, service
from loyalty.members.rules.consents import REQUIRED_PURPOSES, ConsentGiven
from loyalty.members.rules.identities import IdentityKind
from loyalty.points import service as points
from portal.demo.phones import person_of

NICKNAME = "推广员小鹿"


@dataclass(frozen=True, slots=True)
class Guise:
    """Somebody as WeChat vouches for them."""

    openid: str
    phone: str
    nickname: str
    unionid: str | None = None


def account_of(container: Container) -> tuple[str, IdentityKind]:
    """Return where members are known: in the mini program, or in the account where there is none."""
    for appid in container.mini_programs:
        return appid, IdentityKind.MINI_PROGRAM
    return next(iter(container.official_accounts)), IdentityKind.OFFICIAL_ACCOUNT


def promoter_of(container: Container) -> tuple[Guise, bool]:
    """Return the promoter, and whether the simulated platform knows them; made up where it does not answer."""
    appid, _kind = account_of(container)
    try:
        person = person_of(container.settings.wechat_sandbox_url or "", NICKNAME)
    except (OSError, ValueError):
        return Guise("demo-promoter", "+8613900000900", NICKNAME), False
    return Guise(person["openids"][appid], person["phone"], NICKNAME, person["unionid"]), True


def appear(session: Session, container: Container, guise: Guise, *, at: datetime) -> int:
    """Let somebody be seen for the first time; return their identity."""
    appid, kind = account_of(container)
    return service.identify(session, appid=appid, openid=guise.openid, unionid=guise.unionid, kind=kind, at=at).id


def enrol(session: Session, container: Container, guise: Guise, *, identity_id: int, at: datetime) -> int | None:
    """Let somebody bind their phone; return the member, or nothing where the phone is somebody else's by now."""
    texts = [text for text in queries.current_texts(session) if text.purpose in REQUIRED_PURPOSES]
    outcome = service.bind_by_wechat_phone(
        session,
        vault=container.vault,
        identity_id=identity_id,
        phone=guise.phone,
        consents=[ConsentGiven(text.purpose, text.version) for text in texts],
        at=at,
    )
    if outcome.member_id is None:
        return None
    points.open_account(session, member_id=outcome.member_id, at=at)
    service.set_nickname(session, vault=container.vault, member_id=outcome.member_id, nickname=guise.nickname, at=at)
    return outcome.member_id
