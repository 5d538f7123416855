"""SMS of a trial: the sandbox shows the code on the simulated phone."""

import requests

from loyalty.gateways.answers import SendOutcome, SendReason, SendState
from loyalty.gateways.transport import mount

_TEMPLATE = "verification_code"


class SandboxSms:
    """Sends to the sandbox's SMS provider."""

    def __init__(self, *, sandbox_url: str, secret: str) -> None:
        self._url = f"{sandbox_url.rstrip('/')}/sms.sandbox/send"
        self._secret = secret
        self._http = mount(requests.Session(), sandbox_url=None)
        self._http.trust_env = False

    def send_code(self, *, phone: str, code: str, minutes: int = 5) -> SendOutcome:
        """Send a code that is good for some minutes."""
        body = {"phone": phone, "template": _TEMPLATE, "params": [code, str(minutes)]}
        headers = {"Authorization": f"Bearer {self._secret}"}
        try:
            response = self._http.post(self._url, json=body, headers=headers)
        except requests.RequestException as error:
            return SendOutcome(SendState.UNKNOWN, SendReason.NO_ANSWER, detail=type(error).__name__)
        if response.status_code >= requests.codes.server_error:
            return SendOutcome(SendState.UNKNOWN, SendReason.NO_ANSWER, detail="server error")
        if not response.ok:
            detail = response.text[:200]
            return SendOutcome(SendState.FAILED_FINAL, SendReason.OTHER, detail=detail)
        return SendOutcome(SendState.ACCEPTED, provider_message_id=str(response.json().get("id")))
