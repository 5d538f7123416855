"""Sending an SMS code: made in one transaction, sent after its commit; the same for both doors."""

from datetime import datetime

from loyalty.gateways.answers import SendState
from loyalty.gateways.protocols import SmsSender
from loyalty.kernel.crypto import Vault
from loyalty.kernel.database import Database
from loyalty.kernel.errors import Unavailable
from loyalty.kernel.transaction import run
from loyalty.members.rules.sms_codes import CodePurpose
from loyalty.members.service.phone_proofs import request_sms_code


class SmsNotSent(Unavailable):
    """The SMS provider refused the message or did not answer."""

    code = "sms_not_sent"
    message = "短信发送失败，请稍后再试"


def send_sms_code(
    database: Database,
    *,
    vault: Vault,
    sms: SmsSender,
    identity_id: int,
    phone: str,
    purpose: CodePurpose,
    device: str | None,
    ip: str,
    at: datetime,
) -> None:
    """Make a code for a phone and send it; the answer never tells whether the phone is known.

    Raises:
        PhoneInvalid: no mobile number of the four regions.
        TooManyCodes: a rate limit by phone, identity, device or address is used up.
        SmsNotSent: the provider did not take it; a new code may be asked for after the limit.
    """
    request = run(
        database,
        lambda session: request_sms_code(
            session,
            vault=vault,
            identity_id=identity_id,
            phone=phone,
            purpose=purpose,
            device=device,
            ip=ip,
            at=at,
        ),
    )
    outcome = sms.send_code(phone=request.phone, code=request.code)
    if outcome.state not in (SendState.ACCEPTED, SendState.UNKNOWN):
        raise SmsNotSent
