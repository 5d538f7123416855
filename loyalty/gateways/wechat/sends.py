"""The shape of message calls: fields as the platform wants them, an accepted answer in our words."""

from collections.abc import Mapping

from loyalty.gateways.answers import SendOutcome, SendReason, SendState
from loyalty.kernel.database import Json


def template_values(data: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Wrap each value as ``{"value": …}``; colours have been ignored since 2023."""
    return {key: {"value": value} for key, value in data.items()}


def customer_text(openid: str, text: str) -> Json:
    """Return the body of a customer message, of an Official Account and of a mini program alike."""
    return {"touser": openid, "msgtype": "text", "text": {"content": text}}


def accepted(answer: object) -> SendOutcome:
    """Read an answer without error; one that is not JSON tells nothing about the message."""
    if not isinstance(answer, dict):
        return SendOutcome(SendState.UNKNOWN, SendReason.NO_ANSWER, detail="not JSON")
    message_id = answer.get("msgid")
    return SendOutcome(SendState.ACCEPTED, provider_message_id=None if message_id is None else str(message_id))
