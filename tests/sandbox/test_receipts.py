"""Electronic receipts: for whom there is one, how long it takes, and what can go wrong with it."""

import hashlib
from base64 import b64encode
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from tests.support.pay_sandbox import PaySandbox, merchant_settings
from tests.support.transfer_bills import created

RECEIPTS = "/fund-app/mch-transfer/elecsign/out-bill-no"
DAY = 86400


def sealed_name(name: str) -> str:
    """A name as only the platform can read it."""
    key = load_pem_public_key(merchant_settings().public_key.encode())
    assert isinstance(key, RSAPublicKey)
    padding = OAEP(mgf=MGF1(algorithm=SHA1()), algorithm=SHA1(), label=None)
    return b64encode(key.encrypt(name.encode(), padding)).decode()


def paid(pay: PaySandbox, user: dict[str, Any], **changes: Any) -> str:
    """The number of a transfer that its user has taken."""
    number = str(created(pay, user, **{"user_name": sealed_name("张三")} | changes)["out_bill_no"])
    pay.confirm(user, number)
    return number


def apply(pay: PaySandbox, number: str) -> tuple[int, dict[str, Any]]:
    answer = pay.ask("POST", RECEIPTS, {"out_bill_no": number})
    return answer.status_code, answer.json()


def show(pay: PaySandbox, number: str) -> dict[str, Any]:
    return dict(pay.ask("GET", f"{RECEIPTS}/{number}").json())


def test_a_receipt_is_made_in_a_while_and_fetched_with_its_digest(pay: PaySandbox, user: dict[str, Any]) -> None:
    number = paid(pay, user)
    status, told = apply(pay, number)
    assert (status, set(told), told["state"]) == (200, {"state", "create_time"}, "GENERATING")
    assert "download_url" not in show(pay, number)

    pay.advance(61)
    made = show(pay, number)
    path = made["download_url"].partition("/v3")[2]
    file = pay.ask("GET", path)

    assert (made["state"], made["hash_type"]) == ("FINISHED", "SHA256")
    assert hashlib.sha256(file.content).hexdigest().upper() == made["hash_value"]
    assert (file.headers["Content-Type"], file.content[:5]) == ("application/pdf", b"%PDF-")
    assert number.encode() in file.content
    assert show(pay, number)["hash_value"] == made["hash_value"]


def test_asked_for_twice_it_is_the_same_application(pay: PaySandbox, user: dict[str, Any]) -> None:
    number = paid(pay, user)
    first = apply(pay, number)
    pay.advance(30)

    assert apply(pay, number) == first


def test_there_is_none_for_what_was_not_paid_or_carried_no_name(pay: PaySandbox, user: dict[str, Any]) -> None:
    waiting = created(pay, user, user_name=sealed_name("张三"))["out_bill_no"]
    nameless = paid(pay, user, user_name=None)

    assert [apply(pay, number)[1]["code"] for number in (waiting, nameless, "NOBODY")] == [
        "INVALID_REQUEST", "INVALID_REQUEST", "NOT_FOUND"
    ]  # fmt: skip
    assert show(pay, nameless)["code"] == "NOT_FOUND"
    assert pay.ask("POST", RECEIPTS, {"out_bill_no": 1}).json()["code"] == "PARAM_ERROR"


def test_an_application_lapses_after_ninety_days_and_may_be_repeated(pay: PaySandbox, user: dict[str, Any]) -> None:
    number = paid(pay, user)
    apply(pay, number)
    pay.advance(90 * DAY + 1)
    assert show(pay, number)["code"] == "NOT_FOUND"

    assert apply(pay, number)[1]["state"] == "GENERATING"
    pay.advance(90 * DAY + 1)
    assert apply(pay, number)[0] == 400


@pytest.mark.parametrize(
    ("fault", "state"), [({"state": "PROCESSING"}, "GENERATING"), ({"fail_reason": "系统错误"}, "FAILED")]
)
def test_a_receipt_is_never_made_or_fails_as_told(
    pay: PaySandbox, user: dict[str, Any], fault: dict[str, str], state: str
) -> None:
    number = paid(pay, user)
    pay.fault(target="transfer", event="receipt", path=number, **fault)
    apply(pay, number)
    pay.advance(DAY)

    told = show(pay, number)

    assert (told["state"], told.get("fail_reason")) == (state, fault.get("fail_reason"))


def test_an_application_whose_answer_is_lost_was_made(pay: PaySandbox, user: dict[str, Any]) -> None:
    number = paid(pay, user)
    pay.fault(path="elecsign/out-bill-no$", drop="after")

    with pytest.raises(OSError, match="."):
        apply(pay, number)

    assert show(pay, number)["state"] == "GENERATING"
