"""Tags under many hands: a tag is put once, and an archived one on nobody."""

from collections.abc import Callable

from sqlalchemy.orm import Session

from loyalty.kernel import audit
from loyalty.kernel.crypto import Vault
from loyalty.kernel.database import Database
from loyalty.kernel.transaction import run
from loyalty.members.rules.members import MemberGone
from loyalty.merging.service import merge
from loyalty.stores.rules import EVERYTHING
from loyalty.tags import queries, service
from loyalty.tags.rules.tags import TagArchived, TagNameTaken
from loyalty.tags.service import Changed
from tests.factories.adjustments import AT
from tests.factories.members import make_member
from tests.factories.tags import MARKETER, make_tag, put_tag, tags_of
from tests.support.races import at_once, beside

CLERKS = 8


def test_a_member_tagged_by_many_at_once_has_the_tag_once(committed_database: Database) -> None:
    def make(session: Session) -> tuple[int, int]:
        return make_tag(session, name="同时打标"), make_member(session).id

    tag_id, member_id = run(committed_database, make)

    def tag(session: Session) -> bool:
        return service.tag_member(session, tag_id=tag_id, member_id=member_id, actor=MARKETER, at=AT)

    news = at_once([lambda: run(committed_database, tag)] * CLERKS)

    assert sorted(map(bool, news)) == [False] * (CLERKS - 1) + [True]
    with committed_database.session() as session:
        assert tags_of(session, member_id) == {tag_id}
        assert len(audit.list_entries(session, subject=f"member:{member_id}", action="tags.tag_member")) == 1


def test_lists_in_opposite_order_tag_everybody_once(committed_database: Database, vault: Vault) -> None:
    def make(session: Session) -> tuple[int, list[str]]:
        return make_tag(session, name="名单互相交叉"), [make_member(session).number for _ in range(20)]

    tag_id, numbers = run(committed_database, make)

    def tag(lines: list[str]) -> Callable[[], Changed]:
        def work(session: Session) -> Changed:
            text = "\n".join(lines)
            return service.tag_many(session, vault, tag_id=tag_id, text=text, scope=EVERYTHING, actor=MARKETER, at=AT)

        return lambda: run(committed_database, work)

    changed = at_once([tag(numbers), tag(numbers[::-1])] * 3)

    told = [one for one in changed if isinstance(one, Changed)]
    assert (len(told), sum(one.changed for one in told)) == (6, len(numbers))
    with committed_database.session() as session:
        assert len(queries.members_of_tag(session, tag_id=tag_id)) == len(numbers)


def test_one_of_two_tags_gets_the_name(committed_database: Database) -> None:
    def create(session: Session) -> int:
        return make_tag(session, name="同名标签")

    made = at_once([lambda: run(committed_database, create)] * CLERKS)

    assert sum(isinstance(one, int) for one in made) == 1
    assert sum(isinstance(one, TagNameTaken) for one in made) == CLERKS - 1


def test_one_of_two_tags_is_renamed_to_the_name(committed_database: Database) -> None:
    tag_ids = run(committed_database, lambda session: [make_tag(session) for _ in range(CLERKS)])

    def rename(tag_id: int) -> Callable[[], str]:
        def work(session: Session) -> str:
            service.rename_tag(session, tag_id=tag_id, name="同时改成", note=None, actor=MARKETER, at=AT)
            return "renamed"

        return lambda: run(committed_database, work)

    outcomes = at_once([rename(tag_id) for tag_id in tag_ids])

    assert outcomes.count("renamed") == 1
    assert sum(isinstance(one, TagNameTaken) for one in outcomes) == CLERKS - 1


def test_who_tags_while_the_tag_is_archived_waits_and_is_refused(committed_database: Database) -> None:
    def make(session: Session) -> tuple[int, int]:
        return make_tag(session, name="边打边停"), make_member(session).id

    tag_id, member_id = run(committed_database, make)

    def tag(session: Session) -> str:
        try:
            put_tag(session, tag_id, member_id)
        except TagArchived:
            return "refused"
        return "tagged"

    outcome = beside(
        committed_database,
        lambda session: service.archive_tag(session, tag_id=tag_id, actor=MARKETER, at=AT),
        tag,
    )

    assert outcome == "refused"


def test_who_tags_a_member_while_it_is_merged_waits_and_is_refused(committed_database: Database) -> None:
    def make(session: Session) -> tuple[int, int, int]:
        return make_tag(session, name="边打边合并"), make_member(session).id, make_member(session).id

    tag_id, survivor_id, other_id = run(committed_database, make)

    def tag(session: Session) -> str:
        try:
            put_tag(session, tag_id, other_id)
        except MemberGone:
            return "refused"
        return "tagged"

    outcome = beside(
        committed_database,
        lambda session: merge(session, survivor_id=survivor_id, other_id=other_id, actor=MARKETER, at=AT),
        tag,
    )

    assert outcome == "refused"
