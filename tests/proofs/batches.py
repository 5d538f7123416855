"""Batches of adjustments and their undoing, as steps of a life; their pages are worked as workers do."""

import base64
import io
from collections import Counter
from datetime import timedelta
from functools import partial

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from sqlalchemy.orm import Session

from loyalty.adjustments import queries, service
from loyalty.adjustments.files import read_lines
from loyalty.adjustments.rules.batches import BatchState, Work, subject_of
from loyalty.adjustments.rules.single import Reason
from loyalty.kernel import bulk
from loyalty.kernel.bulk import BulkRun, Page, PageDone
from loyalty.kernel.clock import business_date
from tests.factories.adjustments import CHECKER, MAKER, csv_of
from tests.factories.checkout import SHANGHAI
from tests.proofs.acts import Batch, BatchLine
from tests.proofs.life import Life
from tests.proofs.machine import pick, picks
from tests.proofs.oracle import NotEnough
from tests.support.settings import VAULT

given_or_taken = st.integers(-100, 200)
NOTHING: Counter[str] = Counter()
WAITING_MAX = 2
"""Batches that wait for approval; with more of them a life is nothing but uploads."""


class Adjusting(Life):
    def __init__(self, *values: object) -> None:
        super().__init__(*values)  # type: ignore[arg-type]
        self.checked: list[Batch] = []
        self.applied: list[Batch] = []

    @precondition(lambda self: len(self.checked) < WAITING_MAX)
    @rule(amounts=st.tuples(given_or_taken, given_or_taken).filter(any), lives=st.sampled_from([None, 2, 30]))
    def a_batch_is_uploaded(self, amounts: tuple[int, int], lives: int | None) -> None:
        """And checked: one that asks somebody for more than is there is refused as a whole."""
        self.settle_holds()
        named = zip(self.living, amounts if len(self.living) > 1 else [sum(amounts) or 1], strict=True)
        lines = [BatchLine(person, points) for person, points in named if points]
        content = csv_of([(one.named.number, one.points) for one in lines], heading="会员号,积分")
        batch_id = service.upload(
            self.session, vault=VAULT, title="补发", reason=Reason.CAMPAIGN,
            expires_on=None if lives is None else business_date(self.at, SHANGHAI) + timedelta(days=lives),
            parts=[base64.b64encode(content).decode()], zone=SHANGHAI, actor=MAKER, at=self.at,
        )  # fmt: skip
        self.work(Work.CHECK, batch_id, partial(self.check, batch_id=batch_id, content=content))
        is_short = any(one.named.account.available(self.at) < -one.points for one in lines)
        checked = queries.get_batch(self.session, batch_id=batch_id)
        assert checked.state is (BatchState.FAULTY if is_short else BatchState.CHECKED)
        if not is_short:
            self.checked.append(Batch(batch_id, None if lives is None else self.end_after(lives), lines))

    def check(self, session: Session, run: BulkRun, *, batch_id: int, content: bytes) -> PageDone:
        lines = list(read_lines(io.BytesIO(content), today=business_date(self.at, SHANGHAI)))
        return service.check_lines(
            session, vault=VAULT, batch_id=batch_id, lines=lines, cursor=run.cursor, is_last=True, at=self.at
        )

    @precondition(lambda self: self.checked)
    @rule(number=picks)
    def a_batch_is_approved_and_applied(self, number: int) -> None:
        """Who has spent meanwhile what is to be taken is passed over; who was merged has a survivor."""
        self.settle_holds()
        batch = pick(self.checked, number)
        self.checked.remove(batch)
        self.applied.append(batch)
        figures = NOTHING.copy()
        for line in batch.lines:
            figures += self.apply(batch, line)

        service.submit(self.session, batch_id=batch.id, actor=MAKER, at=self.at)
        service.decide(self.session, batch_id=batch.id, is_approved=True, actor=CHECKER, at=self.at)
        page = partial(service.apply_page, zone=SHANGHAI, at=self.at)
        assert self.work(Work.APPLY, batch.id, page) == figures

    def apply(self, batch: Batch, line: BatchLine) -> Counter[str]:
        owner = line.named.owner
        if line.points > 0:
            line.given = owner.account.earn(line.points, self.at, batch.expires_at)
        else:
            try:
                line.drawn = owner.account.choose(-line.points, self.at)
            except NotEnough:
                return Counter(refused=1)
            owner.account.draw(line.drawn)
        line.applied_to = owner
        owner.beside += line.points
        return Counter(applied=1, **{"credit_points" if line.points > 0 else "debit_points": abs(line.points)})

    @precondition(lambda self: self.applied)
    @rule(number=picks)
    def a_batch_is_undone(self, number: int) -> None:
        """What it gave is taken back as far as it is there, then what it took is given back."""
        self.settle_holds()
        batch = pick(self.applied, number)
        self.applied.remove(batch)
        figures = NOTHING.copy()
        for line in sorted(batch.lines, key=lambda line: line.points < 0):
            figures += self.undo(line)

        service.undo(self.session, batch_id=batch.id, actor=CHECKER, at=self.at)
        page = partial(service.undo_page, zone=SHANGHAI, at=self.at)
        assert self.work(Work.UNDO, batch.id, page) == figures

    def undo(self, line: BatchLine) -> Counter[str]:
        """What it moved follows the merge of whom it was applied to; one that was passed over stays as it is."""
        person = line.applied_to
        if person is None:
            return NOTHING
        if line.given is None:
            self.give_back(person, line.drawn, -line.points)
            self.follow_merge(person)
            return Counter(given_back=-line.points)
        taken = person.owner.account.take_back_what_is_left(line.given, line.points)
        person.owner.beside -= taken
        return Counter(taken_back=taken, spent=line.points - taken)

    def work(self, work: Work, batch_id: int, page: Page) -> Counter[str]:
        """Do the one page that there is; return its figures."""
        run = bulk.find_run(self.session, kind=work, subject=subject_of(batch_id))
        assert run is not None
        is_more = bulk.work_page(self.session, run_id=run.id, page=page, at=self.at)
        assert not is_more
        return Counter(run.figures)
