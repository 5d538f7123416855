"""Members: named by their code, by their phone, or by enrolling the phone; shown masked."""

from typing import Any

from loyalty.kernel.database import Session
from loyalty.kernel.transaction import run
from loyalty.partners.cards import MemberCard, member_card
from loyalty.partners.rules.references import IssuedRef, MemberName
from loyalty.partners.service import references
from loyalty.partners.service.locating import locate
from loyalty.partners.service.references import Till
from portal.context import container
from portal.partner_api.auth import caller
from portal.partner_api.v1.blueprint import subject
from portal.partner_api.v1.schemas import members as schemas
from portal.partner_api.v1.schemas.base import IdempotencyHeaders

blueprint = subject("members", __name__, description="Recognise and enrol members.")


@blueprint.post("/member-refs")
@blueprint.arguments(schemas.MemberRefRequest)
@blueprint.arguments(IdempotencyHeaders, location="headers")
@blueprint.response(201, schemas.MemberRef)
def name_member(body: dict[str, Any], headers: dict[str, Any]) -> dict[str, Any]:
    """Exchange a member code, once, or a phone that the key's stores know, for a reference."""
    at, till = container().clock.now(), _till(body, headers)
    issued = run(
        container().database,
        lambda session: references.name_member(
            session,
            till=till,
            vault=container().vault,
            code_key=container().settings.member_code_key,
            code=body["member_code"],
            phone=body["phone"],
            at=at,
        ),
    )
    return _reference(issued)


@blueprint.post("/members")
@blueprint.arguments(schemas.EnrolmentRequest)
@blueprint.arguments(IdempotencyHeaders, location="headers")
@blueprint.response(201, schemas.MemberRef)
def enrol(body: dict[str, Any], headers: dict[str, Any]) -> dict[str, Any]:
    """Enrol a phone; the answer never tells whether it was a member's already."""
    at, till = container().clock.now(), _till(body, headers)
    issued = run(
        container().database,
        lambda session: references.enrol_phone(session, till=till, vault=container().vault, phone=body["phone"], at=at),
    )
    return _reference(issued)


@blueprint.get("/members/<string:member_ref>")
@blueprint.response(200, schemas.Member)
def show_member(member_ref: str) -> MemberCard:
    """Show a member, masked: name, tier and points that can be spent."""
    at, key, vault, name = container().clock.now(), caller(), container().vault, MemberName(ref=member_ref)

    def show(session: Session) -> MemberCard:
        located = locate(session, caller=key, vault=vault, name=name, at=at)
        return member_card(session, vault=vault, member=located.require_member(), at=at)

    return run(container().database, show)


def _till(body: dict[str, Any], headers: dict[str, Any]) -> Till:
    return Till(caller(), body["store_code"], headers["idempotency_key"])


def _reference(issued: IssuedRef) -> dict[str, Any]:
    return {"member_ref": issued.token, "expires_at": issued.expires_at}
