"""No SMS provider: every code is refused with the reason, so that pages can say so."""

from loyalty.gateways.answers import SendOutcome, SendReason, SendState


class NoSms:
    """Stands where nobody was configured."""

    def send_code(self, *, phone: str, code: str, minutes: int = 5) -> SendOutcome:
        """Refuse."""
        return SendOutcome(SendState.FAILED_FINAL, SendReason.NOT_PERMITTED, detail="no SMS provider")
