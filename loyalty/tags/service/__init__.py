"""Use cases of tags: the list of them, and putting them on members."""

from loyalty.tags.service.many import Changed, tag_many, untag_many
from loyalty.tags.service.tagging import tag_member, untag_member
from loyalty.tags.service.vocabulary import archive_tag, create_tag, rename_tag, restore_tag

__all__ = [
    "Changed",
    "archive_tag",
    "create_tag",
    "rename_tag",
    "restore_tag",
    "tag_many",
    "tag_member",
    "untag_many",
    "untag_member",
]
