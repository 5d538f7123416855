"""Pages of lists (列表): what the filters leave, the newest first, with the names of whom it mentions."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from flask import render_template

from loyalty.kernel.pagination import Page
from loyalty.kernel.transaction import run
from portal.console import forms, paging
from portal.context import container

if TYPE_CHECKING:
    from loyalty.kernel.database import Session

Item = TypeVar("Item")


def list_page(
    template: str,
    found: Callable[..., Page[Item]],
    *,
    named: "Callable[[Session, Sequence[Item]], Mapping[str, object]]",
    filters: Sequence[str],
    **told: Any,
) -> str:
    """Show the page of a list that this request asks for: ``named`` says what is told beside its items.

    Raises:
        InvalidCursor: the cursor was not made by us.
    """
    cursor = paging.cursor()

    def read(session: "Session") -> dict[str, object]:
        page = found(session, cursor=cursor)
        return {"page": page, **named(session, page.items)}

    return render_template(
        template,
        is_first=cursor is None,
        address=paging.address,
        filters={name: forms.text(name) for name in filters},
        **told,
        **run(container().database, read),
    )
