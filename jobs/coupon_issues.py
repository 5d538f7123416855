"""Issue jobs of coupons: naming the members, issuing, telling them, undoing; each in pages."""

from collections.abc import Iterator
from functools import partial

from jobs.file_checks import check_in_pages
from jobs.pages import steps_of
from loyalty.container import Container
from loyalty.coupons.files import read_lines
from loyalty.coupons.rules.issue_jobs import job_id_of
from loyalty.coupons.service import issue_jobs as service
from loyalty.kernel.bulk import BulkRun, Page

LINES_PER_PAGE = 5_000


def check(container: Container, started: BulkRun) -> Iterator[Page]:
    """Read an uploaded file from where the check stopped."""
    job_id, at = job_id_of(started.subject), container.clock.now()
    return check_in_pages(
        container,
        started,
        write_file=partial(service.write_file, job_id=job_id),
        read_lines=read_lines,
        check_lines=partial(service.check_lines, job_id=job_id, zone=container.zone, at=at),
        give_up=partial(service.give_up_check, job_id=job_id, at=at),
        lines_per_page=LINES_PER_PAGE,
    )


check_tag = steps_of(service.check_tag_page)
"""Name the members who have a tag."""
issue = steps_of(service.issue_page)
"""Issue the coupons of an approved job."""
tell = steps_of(service.tell_page)
"""Tell the members of their coupons."""
undo = steps_of(service.undo_page)
"""Take back the coupons of a job."""
