"""A tag's name and note, and what is refused about tags."""

from loyalty.kernel.checking import is_code
from loyalty.kernel.errors import Conflict, InvalidInput, NotFound
from loyalty.kernel.texts import is_storable

NAME_LENGTH_MAX = 20
NOTE_LENGTH_MAX = 200
IN_USE_MAX = 500
"""So many that a form can still offer them all."""


class TagNotFound(NotFound):
    """No tag has this id."""

    code = "tag_not_found"
    message = "没有找到这个标签"


class TagNameTaken(Conflict):
    """Another tag has this name; it may be archived."""

    code = "tag_name_taken"
    message = "已有同名的标签（停用的也算）"


class TooManyTags(Conflict):
    """As many tags are in use as may be."""

    code = "too_many_tags"
    message = f"最多同时使用 {IN_USE_MAX} 个标签，请先停用不再使用的"


class TagArchived(Conflict):
    """An archived tag is put on nobody any more."""

    code = "tag_archived"
    message = "标签已停用，不能再给会员打上"


class InvalidTag(InvalidInput):
    """The name or the note could not be stored or read."""

    code = "invalid_tag"
    message = f"标签名称须为 1–{NAME_LENGTH_MAX} 个字，不含逗号、顿号和分号；说明不超过 {NOTE_LENGTH_MAX} 个字"


def check_details(*, name: str, note: str | None) -> None:
    """Refuse a name or a note that could not be stored or read.

    Raises:
        InvalidTag: the name is empty, too long or has marks that separate names, or the note is too long.
    """
    if not is_code(name, NAME_LENGTH_MAX):
        raise InvalidTag(field="name")
    if note is not None and (len(note) > NOTE_LENGTH_MAX or not note.isprintable() or not is_storable(note)):
        raise InvalidTag(field="note")
