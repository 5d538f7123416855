"""What a binding may still owe: a second proof (二次验证), or the word on a merge (合并)."""

from typing import Any

from loyalty.kernel.transaction import run
from loyalty.members import service
from loyalty.members.rules.sms_codes import CodePurpose
from loyalty.members.service.send_code import send_sms_code
from miniprogram_api.context import caller, client_ip, container
from miniprogram_api.limits import limiter
from miniprogram_api.v1.blueprint import subject
from miniprogram_api.v1.phone import answer
from miniprogram_api.v1.schemas import members as schemas

blueprint = subject("proofs", __name__, description="Second proofs and merges.")


@blueprint.post("/binding-reviews/<int:review_id>/code")
@blueprint.arguments(schemas.SecondProofRequest)
@blueprint.response(200, schemas.Binding)
@limiter.limit("60/minute")
def prove(body: dict[str, Any], review_id: int) -> dict[str, Any]:
    """Show the code that went to the WeChat which had this phone before."""
    outcome = service.prove_by_review_code(
        container().database,
        vault=container().vault,
        review_id=review_id,
        identity_id=caller().identity_id,
        code=body["proof_code"],
        at=container().clock.now(),
    )
    return answer(outcome)


@blueprint.post("/binding-reviews/<int:review_id>/staff")
@blueprint.response(204)
def ask_staff(review_id: int) -> None:
    """Ask staff to decide, because the old WeChat is out of reach."""
    at, identity_id = container().clock.now(), caller().identity_id
    run(
        container().database,
        lambda session: service.ask_staff(session, review_id=review_id, identity_id=identity_id, at=at),
    )


@blueprint.post("/binding-reviews/<int:review_id>/decline")
@blueprint.response(200, schemas.Binding)
def decline(review_id: int) -> dict[str, Any]:
    """Say that the earlier membership is not mine: the phone leaves it and I am enrolled anew."""
    at, identity_id = container().clock.now(), caller().identity_id
    outcome = run(
        container().database,
        lambda session: service.decline_second_proof(
            session, vault=container().vault, review_id=review_id, identity_id=identity_id, at=at
        ),
    )
    return answer(outcome)


@blueprint.post("/merge-proposals/<int:proposal_id>/codes")
@blueprint.arguments(schemas.SmsCodeRequest)
@blueprint.response(202)
@limiter.limit("60/minute")
def ask_for_merge_code(body: dict[str, Any], proposal_id: int) -> None:
    """Send a code to one of the two phones of a proposed merge."""
    send_sms_code(
        container().database,
        vault=container().vault,
        sms=container().sms,
        identity_id=caller().identity_id,
        phone=body["phone"],
        purpose=CodePurpose.MERGE,
        device=None,
        ip=client_ip(),
        at=container().clock.now(),
    )


@blueprint.post("/merge-proposals/<int:proposal_id>/proofs")
@blueprint.arguments(schemas.PhoneChangeRequest)
@blueprint.response(200, schemas.MergeProof)
@limiter.limit("60/minute")
def prove_phone(body: dict[str, Any], proposal_id: int) -> dict[str, bool]:
    """Prove one of the two phones of a proposed merge."""
    at, vault, identity_id = container().clock.now(), container().vault, caller().identity_id
    proof = service.prove_phone_by_sms(
        container().database,
        vault=vault,
        identity_id=identity_id,
        phone=body["phone"],
        code=body["sms_code"],
        purpose=CodePurpose.MERGE,
        at=at,
    )
    is_one_of_both = run(
        container().database,
        lambda session: service.prove_for_merge(
            session, vault=vault, proposal_id=proposal_id, identity_id=identity_id, proof=proof, at=at
        ),
    )
    return {"is_one_of_both": is_one_of_both}


@blueprint.post("/merge-proposals/<int:proposal_id>/agreement")
@blueprint.response(202)
def agree(proposal_id: int) -> None:
    """Agree that the two memberships become one; the points of both are kept."""
    at, identity_id = container().clock.now(), caller().identity_id
    run(
        container().database,
        lambda session: service.agree_to_merge(session, proposal_id=proposal_id, identity_id=identity_id, at=at),
    )
