"""What a binding may still owe: a second proof (二次验证), or the word on a merge (合并)."""

from typing import cast

from flask import Response, flash, redirect, render_template, request, url_for

from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.transaction import run
from loyalty.members import queries, service
from loyalty.members.rules.reviews import ProposalNotFound, ReviewNotFound
from loyalty.members.rules.sms_codes import CodePurpose
from loyalty.members.service.send_code import send_sms_code
from portal.context import client_ip, container
from portal.errors import form_again
from portal.h5 import session
from portal.h5.binding import after
from portal.h5.blueprint import blueprint


@blueprint.get("/second-proof")
@session.visitors_too
def second_proof() -> Response:
    """Show what is owed."""
    return _proof_page()


@blueprint.post("/second-proof")
@session.visitors_too
def prove() -> Response:
    """Take the code that went to the old WeChat."""
    try:
        outcome = service.prove_by_review_code(
            container().database,
            vault=container().vault,
            review_id=_review_id(),
            identity_id=session.caller().identity_id,
            code=request.form.get("code", ""),
            at=container().clock.now(),
        )
    except LoyaltyError as error:
        return _proof_page(error)
    return after(outcome)


@blueprint.post("/second-proof/staff")
@session.visitors_too
def ask_staff() -> Response:
    """Ask staff to decide, because the old WeChat is out of reach."""
    at, identity_id, review_id = container().clock.now(), session.caller().identity_id, _review_id()
    run(
        container().database,
        lambda database_session: service.ask_staff(
            database_session, review_id=review_id, identity_id=identity_id, at=at
        ),
    )
    return cast(Response, redirect(url_for("h5.second_proof"), 303))


@blueprint.post("/second-proof/decline")
@session.visitors_too
def decline() -> Response:
    """Take the word that the earlier membership is not theirs."""
    at, identity_id, review_id = container().clock.now(), session.caller().identity_id, _review_id()
    outcome = run(
        container().database,
        lambda database_session: service.decline_second_proof(
            database_session, vault=container().vault, review_id=review_id, identity_id=identity_id, at=at
        ),
    )
    return after(outcome)


@blueprint.get("/merge")
def merge() -> Response:
    """Show the merge that is offered."""
    return _merge_page()


@blueprint.post("/merge/codes")
def send_merge_code() -> Response:
    """Send a code to one of the two phones."""
    try:
        send_sms_code(
            container().database,
            vault=container().vault,
            sms=container().sms,
            identity_id=session.caller().identity_id,
            phone=request.form.get("phone", ""),
            purpose=CodePurpose.MERGE,
            device=None,
            ip=client_ip(),
            at=container().clock.now(),
        )
    except LoyaltyError as error:
        return _merge_page(error)
    flash("验证码已发送，5分钟内有效", "info")
    return _merge_page()


@blueprint.post("/merge/proofs")
def prove_for_merge() -> Response:
    """Take the code of one of the two phones."""
    at, vault, identity_id = container().clock.now(), container().vault, session.caller().identity_id
    try:
        proposal_id = _proposal_id()
        proof = service.prove_phone_by_sms(
            container().database,
            vault=vault,
            identity_id=identity_id,
            phone=request.form.get("phone", ""),
            code=request.form.get("sms_code", ""),
            purpose=CodePurpose.MERGE,
            at=at,
        )
        is_one_of_both = run(
            container().database,
            lambda database_session: service.prove_for_merge(
                database_session, vault=vault, proposal_id=proposal_id, identity_id=identity_id, proof=proof, at=at
            ),
        )
    except LoyaltyError as error:
        return _merge_page(error)
    flash(
        "手机号已验证" if is_one_of_both else "这个手机号不属于待合并的两个账户", "info" if is_one_of_both else "error"
    )
    return cast(Response, redirect(url_for("h5.merge"), 303))


@blueprint.post("/merge")
def agree_to_merge() -> Response:
    """Take the consent to the merge; it is carried out within seconds."""
    at, identity_id = container().clock.now(), session.caller().identity_id
    try:
        proposal_id = _proposal_id()
        run(
            container().database,
            lambda database_session: service.agree_to_merge(
                database_session, proposal_id=proposal_id, identity_id=identity_id, at=at
            ),
        )
    except LoyaltyError as error:
        return _merge_page(error)
    flash("正在合并，请稍后刷新查看。如需重新登录，请返回公众号打开会员卡。", "info")
    return cast(Response, redirect(url_for("h5.card"), 303))


def _proof_page(error: LoyaltyError | None = None) -> Response:
    identity_id = session.caller().identity_id
    review = run(
        container().database,
        lambda database_session: queries.find_open_review(database_session, identity_id=identity_id),
    )
    if review is None:
        return cast(Response, redirect(url_for("h5.card")))
    page = render_template("h5/second_proof.html", review=review, error=error.message if error else None)
    return form_again(page, error)


def _merge_page(error: LoyaltyError | None = None) -> Response:
    at, identity_id = container().clock.now(), session.caller().identity_id
    proposal = run(
        container().database,
        lambda database_session: queries.find_open_proposal(database_session, identity_id=identity_id, at=at),
    )
    page = render_template(
        "h5/merge.html",
        proposal=proposal,
        phone=request.form.get("phone", ""),
        error=error.message if error else None,
    )
    return form_again(page, error)


def _review_id() -> int:
    identity_id = session.caller().identity_id
    review = run(
        container().database,
        lambda database_session: queries.find_open_review(database_session, identity_id=identity_id),
    )
    if review is None:
        raise ReviewNotFound
    return review.id


def _proposal_id() -> int:
    at, identity_id = container().clock.now(), session.caller().identity_id
    proposal = run(
        container().database,
        lambda database_session: queries.find_open_proposal(database_session, identity_id=identity_id, at=at),
    )
    if proposal is None:
        raise ProposalNotFound
    return proposal.id
