"""Looking at who claims (领取前询问微信): outside any transaction, and only for a reward that is reached."""

from sqlalchemy.orm import Session

from loyalty.gateways.protocols import MiniProgram
from loyalty.kernel.database import Database
from loyalty.kernel.transaction import run
from loyalty.missions.models import MissionProgress
from loyalty.missions.service.guarding import reference_of
from loyalty.missions.service.paying import Place
from loyalty.risk.rules.subjects import Occasion, Subject
from loyalty.risk.service import ask_wechat


def look(
    database: Database,
    *,
    member_id: int,
    mission_id: int,
    step: int,
    period: str,
    mini_program: MiniProgram,
    openid: str,
    ip: str,
    device: str | None,
) -> Subject:
    """Return who claims a reward, with WeChat's opinion where a rule of risk looks at it."""
    place, subject = Place(member_id, mission_id, period), Subject(member_id, device=device, ip=ip)
    if not run(database, lambda session: _is_reached(session, place, step)):
        return subject
    return ask_wechat(
        database,
        subject=subject,
        occasion=Occasion.MISSION,
        reference=reference_of(place, step),
        mini_program=mini_program,
        openid=openid,
        ip=ip,
    )


def _is_reached(session: Session, place: Place, step: int) -> bool:
    row = session.get(MissionProgress, (place.member_id, place.mission_id, place.period))
    return row is not None and row.progress >= step
