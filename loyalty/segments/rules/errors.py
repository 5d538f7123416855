"""What segments refuse."""

from loyalty.kernel.errors import Conflict, InvalidInput, NotFound


class InvalidSegment(InvalidInput):
    """A condition makes no sense; ``path`` says where in the document, ``reason`` why, in Chinese."""

    code = "invalid_segment"
    message = "分群条件不正确"

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path=path, reason=reason)
        self.path = path
        self.reason = reason


class InvalidSegmentTitle(InvalidInput):
    """A segment's title is empty, too long, or cannot be printed."""

    code = "invalid_segment_title"
    message = "分群名称须为 1–40 个字符"


class SegmentNotFound(NotFound):
    """There is no such segment."""

    code = "segment_not_found"
    message = "没有找到该分群"


class SegmentTitleTaken(Conflict):
    """Another segment in use has this title."""

    code = "segment_title_taken"
    message = "已有同名的分群"


class SegmentArchived(Conflict):
    """The segment is out of use: nothing is taken or kept from it any more."""

    code = "segment_archived"
    message = "该分群已停用"


class SegmentKeepsTags(Conflict):
    """The segment keeps tags in step, which has to end before it is archived."""

    code = "segment_keeps_tags"
    message = "该分群还在自动打标签，请先停止自动标签"


class SegmentChanged(Conflict):
    """Somebody else saved the segment meanwhile."""

    code = "segment_changed"
    message = "该分群已被他人修改，请刷新后再保存"


class SnapshotNotFound(NotFound):
    """There is no such snapshot."""

    code = "segment_snapshot_not_found"
    message = "没有找到该分群快照"


class SnapshotNotReady(Conflict):
    """The snapshot is still being taken."""

    code = "segment_snapshot_not_ready"
    message = "快照还在生成，请稍后再试"


class TagKeptAlready(Conflict):
    """A tag is kept by one segment at most."""

    code = "segment_tag_kept_already"
    message = "该标签已由其他分群自动维护"


class AutomaticTagNotFound(NotFound):
    """The segment keeps no such tag."""

    code = "automatic_tag_not_found"
    message = "没有找到该自动标签"
