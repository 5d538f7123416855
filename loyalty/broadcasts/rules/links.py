"""Links: what a tap on a message opens first, so that the tap is counted."""

from uuid import UUID

GO = "/h5/go/"
"""The path that counts a tap and leads on; the token follows."""
PAGE_TOKEN = "click="  # noqa: S105 the name of a query parameter, not a secret
"""How a page of the mini program learns by which message it was opened; the token follows."""


def go_path(token: UUID) -> str:
    """Return the path of the link in one member's message."""
    return f"{GO}{token.hex}"


def page_with(page: str, token: UUID) -> str:
    """Return a page of the mini program that knows by which message it was opened."""
    return f"{page}{'&' if '?' in page else '?'}{PAGE_TOKEN}{token.hex}"


def token_of(text: str) -> UUID | None:
    """Return the token that a link or a mini program names; None for anything else."""
    try:
        return UUID(hex=text) if len(text) == 32 else None
    except ValueError:
        return None
