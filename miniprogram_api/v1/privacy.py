"""Privacy (隐私): consents, everything held on a person, and closing the account."""

from typing import Any

from loyalty.kernel.database import Json, Session
from loyalty.kernel.transaction import run
from loyalty.members import queries, service
from loyalty.members.rules.consents import purpose_of
from loyalty.members.rules.identities import Door
from loyalty.privacy.service import ask_to_close, export_data, take_back_closing
from miniprogram_api.context import container, member_id
from miniprogram_api.v1.blueprint import subject
from miniprogram_api.v1.schemas import privacy as schemas

blueprint = subject("privacy", __name__, description="Consents, export and closing.")


@blueprint.get("/consents")
@blueprint.response(200, schemas.Consents)
def show_consents() -> dict[str, Any]:
    """List the member's consents, withdrawn ones included."""
    owner = member_id()
    return {"items": run(container().database, lambda session: queries.consents_of(session, member_id=owner))}


@blueprint.put("/consents/<purpose>")
@blueprint.arguments(schemas.ConsentAnswer)
@blueprint.response(204)
def answer(body: dict[str, Any], purpose: str) -> None:
    """Give or withdraw consent to an optional purpose; a required one ends with the account."""
    owner, at, known = member_id(), container().clock.now(), purpose_of(purpose)

    def change(session: Session) -> None:
        if body["is_given"]:
            service.give_consent(
                session, member_id=owner, purpose=known, version=body["version"], door=Door.MINI_PROGRAM, at=at
            )
        else:
            service.withdraw_consent(session, member_id=owner, purpose=known, door=Door.MINI_PROGRAM, at=at)

    run(container().database, change)


@blueprint.get("/export")
@blueprint.response(200)
def export() -> Json:
    """Return everything held on the member, as JSON."""
    owner, at = member_id(), container().clock.now()
    return run(
        container().database,
        lambda session: export_data(session, vault=container().vault, member_id=owner, at=at),
    )


@blueprint.post("/closing")
@blueprint.response(201, schemas.Closing)
def close() -> dict[str, Any]:
    """Ask to close the account (注销); it can be taken back until ``closes_at``."""
    owner, at = member_id(), container().clock.now()
    closes_at = run(container().database, lambda session: ask_to_close(session, member_id=owner, at=at))
    return {"closes_at": closes_at}


@blueprint.delete("/closing")
@blueprint.response(204)
def take_back() -> None:
    """Take the request back."""
    owner, at = member_id(), container().clock.now()
    run(container().database, lambda session: take_back_closing(session, member_id=owner, at=at))
