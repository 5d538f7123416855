"""The guard: every request is signed by a key, which is checked before the view by one statement."""

from typing import cast

from flask import g, request

from loyalty.partners.rules.keys import PartnerCaller
from loyalty.partners.rules.signatures import SignedRequest
from loyalty.partners.service.authentication import authenticate
from portal.context import container

BATCH_BYTES_MAX = 4 * 1024 * 1024
"""A thousand purchases of a few lines each."""


def guard() -> None:
    """Find out whose key signed the request, before every view.

    Raises:
        SignatureMissing, SignatureOutdated, SignatureInvalid, NonceUsed: it proves nothing.
    """
    if request.path.endswith("/batches"):
        request.max_content_length = BATCH_BYTES_MAX
    g.partner = authenticate(
        container().database, vault=container().vault, request=signed_request(), at=container().clock.now()
    )


def signed_request() -> SignedRequest:
    """Return the request as it was signed; paths of this API hold nothing that has to be escaped."""
    query = request.query_string.decode("latin-1")
    return SignedRequest(
        key_id=request.headers.get("Partner-Key", ""),
        timestamp=request.headers.get("Partner-Timestamp", ""),
        nonce=request.headers.get("Partner-Nonce", ""),
        signature=request.headers.get("Partner-Signature", ""),
        method=request.method,
        target=f"{request.path}?{query}" if query else request.path,
        body=request.get_data(cache=True),
    )


def caller() -> PartnerCaller:
    """Return the key that signed the request, as the guard found out."""
    return cast(PartnerCaller, g.partner)
