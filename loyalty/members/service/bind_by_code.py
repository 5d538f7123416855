"""Binding and changing a phone as the doors ask for it: by a code of ours or by one of WeChat's."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy.orm import Session

from loyalty.kernel.crypto import Vault
from loyalty.kernel.database import Database
from loyalty.kernel.transaction import run
from loyalty.members.queries import current_texts
from loyalty.members.rules.consents import ConsentGiven, check_consents
from loyalty.members.rules.identities import Door
from loyalty.members.rules.sms_codes import CodePurpose
from loyalty.members.service.binding import BindingOutcome, bind_phone, change_phone
from loyalty.members.service.phone_proofs import proof_by_wechat, prove_phone_by_sms


def bind_by_wechat_phone(
    session: Session,
    *,
    vault: Vault,
    identity_id: int,
    phone: str,
    consents: Collection[ConsentGiven],
    door: Door = Door.MINI_PROGRAM,
    store_id: int | None = None,
    at: datetime,
) -> BindingOutcome:
    """Bind a phone that WeChat's phone code stood for.

    Raises:
        PhoneInvalid: no mobile number of the four regions.
        ConsentMissing, ConsentOutdated: the required texts in force were not all agreed to.
        IdentityNotFound: there is no such identity.
    """
    return bind_phone(
        session,
        vault=vault,
        identity_id=identity_id,
        proof=proof_by_wechat(phone=phone, at=at),
        consents=consents,
        door=door,
        store_id=store_id,
        at=at,
    )


def bind_by_sms_code(
    database: Database,
    *,
    vault: Vault,
    identity_id: int,
    phone: str,
    code: str,
    consents: Collection[ConsentGiven],
    door: Door,
    store_id: int | None = None,
    at: datetime,
) -> BindingOutcome:
    """Bind a phone by a code of ours; the try is counted first, in a statement of its own.

    Consents are looked at before, so that a forgotten tick does not cost the code.

    Raises:
        PhoneInvalid: no mobile number of the four regions.
        ConsentMissing, ConsentOutdated: the required texts in force were not all agreed to.
        CodeWrong: wrong, used, expired, tried too often, or never sent.
        IdentityNotFound: there is no such identity.
    """
    run(database, lambda session: check_consents(consents, current_texts(session)))
    proof = prove_phone_by_sms(
        database, vault=vault, identity_id=identity_id, phone=phone, code=code, purpose=CodePurpose.BIND, at=at
    )
    return run(
        database,
        lambda session: bind_phone(
            session,
            vault=vault,
            identity_id=identity_id,
            proof=proof,
            consents=consents,
            door=door,
            store_id=store_id,
            at=at,
        ),
    )


def change_phone_by_sms_code(
    database: Database,
    *,
    vault: Vault,
    identity_id: int,
    phone: str,
    code: str,
    door: Door,
    at: datetime,
) -> BindingOutcome:
    """Change a member's phone by a code sent to the new one.

    Raises:
        PhoneInvalid: no mobile number of the four regions.
        CodeWrong: wrong, used, expired, tried too often, or never sent.
        NotAMember: the identity is a visitor's.
        IdentityNotFound: there is no such identity.
    """
    proof = prove_phone_by_sms(
        database, vault=vault, identity_id=identity_id, phone=phone, code=code, purpose=CodePurpose.CHANGE_PHONE, at=at
    )
    return run(
        database,
        lambda session: change_phone(session, vault=vault, identity_id=identity_id, proof=proof, door=door, at=at),
    )
