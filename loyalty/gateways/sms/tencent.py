"""Tencent Cloud SMS (腾讯云短信) through its SDK, signature TC3-HMAC-SHA256.

The template must hold two parameters: the code and the minutes it is good for.
"""

import json

from tencentcloud.common.credential import Credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.sms.v20210111.models import SendSmsRequest
from tencentcloud.sms.v20210111.sms_client import SmsClient

from loyalty.gateways.answers import SendOutcome, SendReason, SendState
from loyalty.settings import TencentSms

_REGION = "ap-guangzhou"
_TIMEOUT_SECONDS = 10
_NO_ANSWER = ("ClientNetworkError", "ServerNetworkError", "InternalError")
_OUTCOMES: tuple[tuple[str, SendState, SendReason], ...] = (
    # The first prefix of the provider's code that fits decides.
    ("LimitExceeded", SendState.REFUSED, SendReason.QUOTA_USED),
    ("RequestLimitExceeded", SendState.FAILED_RETRY, SendReason.BUSY),
    ("FailedOperation.PhoneNumberInBlacklist", SendState.REFUSED, SendReason.BLOCKED_BY_RECEIVER),
    ("FailedOperation.InsufficientBalance", SendState.FAILED_FINAL, SendReason.NOT_PERMITTED),
    ("FailedOperation.TemplateIncorrect", SendState.FAILED_FINAL, SendReason.TEMPLATE_UNKNOWN),
    ("FailedOperation.SignatureIncorrect", SendState.FAILED_FINAL, SendReason.NOT_PERMITTED),
    ("InvalidParameterValue.IncorrectPhoneNumber", SendState.FAILED_FINAL, SendReason.VALUE_REFUSED),
    ("AuthFailure", SendState.FAILED_FINAL, SendReason.NOT_PERMITTED),
    ("UnauthorizedOperation", SendState.FAILED_FINAL, SendReason.NOT_PERMITTED),
)


class TencentSmsSender:
    """Sends through one Tencent Cloud account; ``endpoint`` and ``scheme`` are for a local stand-in."""

    def __init__(
        self,
        account: TencentSms,
        *,
        endpoint: str = "sms.tencentcloudapi.com",
        scheme: str = "https",
    ) -> None:
        profile = ClientProfile(
            httpProfile=HttpProfile(protocol=scheme, endpoint=endpoint, reqTimeout=_TIMEOUT_SECONDS)
        )
        self._account = account
        self._client = SmsClient(Credential(account.secret_id, account.secret_key), _REGION, profile)

    def send_code(self, *, phone: str, code: str, minutes: int = 5) -> SendOutcome:
        """Send a code that is good for some minutes."""
        request = SendSmsRequest()
        request.from_json_string(
            json.dumps(
                {
                    "PhoneNumberSet": [phone],
                    "SmsSdkAppId": self._account.app_id,
                    "SignName": self._account.sign,
                    "TemplateId": self._account.template_id,
                    "TemplateParamSet": [code, str(minutes)],
                }
            )
        )
        try:
            status = self._client.SendSms(request).SendStatusSet[0]
        except TencentCloudSDKException as error:
            return _outcome(str(error.get_code()))
        if status.Code == "Ok":
            return SendOutcome(SendState.ACCEPTED, provider_message_id=str(status.SerialNo))
        return _outcome(str(status.Code))


def _outcome(code: str) -> SendOutcome:
    if code.startswith(_NO_ANSWER):
        return SendOutcome(SendState.UNKNOWN, SendReason.NO_ANSWER, detail=code)
    for prefix, state, reason in _OUTCOMES:
        if code.startswith(prefix):
            return SendOutcome(state, reason, detail=code)
    return SendOutcome(SendState.FAILED_FINAL, SendReason.OTHER, detail=code)
