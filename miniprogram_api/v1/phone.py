"""Binding a phone (绑定手机号): by WeChat's phone button, or by an SMS code."""

from typing import Any

from loyalty.kernel.transaction import run
from loyalty.members import service
from loyalty.members.rules.consents import ConsentGiven, purpose_of
from loyalty.members.rules.identities import Door
from loyalty.members.rules.outcomes import MESSAGES
from loyalty.members.rules.sms_codes import CodePurpose
from loyalty.members.service import BindingOutcome
from loyalty.members.service.send_code import send_sms_code
from loyalty.referrals.service.arriving import note_arrival
from loyalty.stores.queries import store_id_of
from miniprogram_api.context import caller, client_ip, container, device_id, member_id
from miniprogram_api.limits import limiter
from miniprogram_api.v1.blueprint import subject
from miniprogram_api.v1.schemas import members as schemas
from miniprogram_api.v1.schemas.base import DeviceHeaders

blueprint = subject("phone", __name__, description="Become a member by binding a phone.")


@blueprint.post("/phone")
@blueprint.arguments(schemas.PhoneRequest)
@blueprint.arguments(DeviceHeaders, location="headers")
@blueprint.response(200, schemas.Binding)
@limiter.limit("60/minute")
def bind_by_button(body: dict[str, Any], _headers: dict[str, Any]) -> dict[str, Any]:
    """Bind the phone that the code of WeChat's phone button stands for."""
    at = container().clock.now()
    phone = container().mini_program(caller().appid).phone(body["code"])
    _note_arrival(body)
    outcome = run(
        container().database,
        lambda session: service.bind_by_wechat_phone(
            session,
            vault=container().vault,
            identity_id=caller().identity_id,
            phone=phone,
            consents=_consents(body),
            store_id=store_id_of(session, code=body["store_code"]),
            at=at,
        ),
    )
    return answer(outcome)


@blueprint.post("/phone/sms-codes")
@blueprint.arguments(schemas.SmsCodeRequest)
@blueprint.response(202)
@limiter.limit("60/minute")
def ask_for_code(body: dict[str, Any]) -> None:
    """Send a code of six digits, good for five minutes; never tells whether the phone is known."""
    _send(body["phone"], CodePurpose.BIND)


@blueprint.post("/phone/sms")
@blueprint.arguments(schemas.SmsBindRequest)
@blueprint.arguments(DeviceHeaders, location="headers")
@blueprint.response(200, schemas.Binding)
@limiter.limit("60/minute")
def bind_by_code(body: dict[str, Any], _headers: dict[str, Any]) -> dict[str, Any]:
    """Bind a phone that the member proves by its SMS code."""
    store_id = run(container().database, lambda session: store_id_of(session, code=body["store_code"]))
    _note_arrival(body)
    outcome = service.bind_by_sms_code(
        container().database,
        vault=container().vault,
        identity_id=caller().identity_id,
        phone=body["phone"],
        code=body["sms_code"],
        consents=_consents(body),
        door=Door.MINI_PROGRAM,
        store_id=store_id,
        at=container().clock.now(),
    )
    return answer(outcome)


@blueprint.post("/phone/change-codes")
@blueprint.arguments(schemas.SmsCodeRequest)
@blueprint.response(202)
@limiter.limit("60/minute")
def ask_for_change_code(body: dict[str, Any]) -> None:
    """Send a code to the phone that shall replace the member's own."""
    member_id()
    _send(body["phone"], CodePurpose.CHANGE_PHONE)


@blueprint.post("/phone/change")
@blueprint.arguments(schemas.PhoneChangeRequest)
@blueprint.response(200, schemas.Binding)
@limiter.limit("60/minute")
def change_phone(body: dict[str, Any]) -> dict[str, Any]:
    """Replace the member's phone by one proved by its SMS code."""
    outcome = service.change_phone_by_sms_code(
        container().database,
        vault=container().vault,
        identity_id=caller().identity_id,
        phone=body["phone"],
        code=body["sms_code"],
        door=Door.MINI_PROGRAM,
        at=container().clock.now(),
    )
    return answer(outcome)


def answer(outcome: BindingOutcome) -> dict[str, Any]:
    """Make the body that tells how a binding ended."""
    return {
        "outcome": outcome.kind,
        "message": MESSAGES[outcome.kind],
        "review_id": outcome.review_id,
        "proposal_id": outcome.proposal_id,
    }


def _note_arrival(body: dict[str, Any]) -> None:
    if caller().member_id is not None:
        return
    note_arrival(
        container().database,
        vault=container().vault,
        identity_id=caller().identity_id,
        device=device_id(),
        ip=client_ip(),
        mini_program=container().mini_program(caller().appid),
        referral_code=body["referral_code"],
        at=container().clock.now(),
    )


def _send(phone: str, purpose: CodePurpose) -> None:
    send_sms_code(
        container().database,
        vault=container().vault,
        sms=container().sms,
        identity_id=caller().identity_id,
        phone=phone,
        purpose=purpose,
        device=None,
        ip=client_ip(),
        at=container().clock.now(),
    )


def _consents(body: dict[str, Any]) -> list[ConsentGiven]:
    return [ConsentGiven(purpose_of(given["purpose"]), given["version"]) for given in body["consents"]]
