"""Requests of the load generator are signed as a partner's system signs them."""

from benchmarks.over_http import Request
from benchmarks.partner import Till, ref_of
from benchmarks.wire import Template, nonce_of
from loyalty.partners.rules.signatures import SignedRequest, is_signed_by

TILL = Till(key_id="pk_0123456789abcdef", secret="of-a-key", partner_key_id=1, store_id=1, revision_id=1)
PURCHASE = TILL.request("/partner/v1/purchases", body=f'{{"member_ref":"{ref_of()}"}}', status=201)


def parts_of(request: bytes) -> tuple[dict[str, str], bytes]:
    head, _, body = request.partition(b"\r\n\r\n")
    return dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:]), body


def template_of(request: Request) -> Template:
    return Template(head=request.head, body=request.body, host="test", secret=request.secret)


def test_a_signed_request_proves_its_key_its_number_and_its_body() -> None:
    headers, body = parts_of(template_of(PURCHASE).request(17))

    assert body == b'{"member_ref":"bench-ref-0000000017"}'
    assert headers["Content-Length"] == str(len(body))
    assert headers["Partner-Nonce"] == nonce_of(17)
    signed = SignedRequest(
        key_id=headers["Partner-Key"],
        timestamp=headers["Partner-Timestamp"],
        nonce=headers["Partner-Nonce"],
        signature=headers["Partner-Signature"],
        method="POST",
        target="/partner/v1/purchases",
        body=body,
    )
    assert is_signed_by(TILL.secret, signed)


def test_a_request_without_a_secret_is_not_signed() -> None:
    headers, body = parts_of(template_of(Request(method="GET", path="/x", status=200)).request(3))

    assert "0000000003" in headers["Authorization"]
    assert body == b""
    assert not {name for name in headers if name.startswith("Partner-")}
