"""The marts that summarise batches, read for the learners that a requester sees."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from exhaust.marts.access import sees_learner
from exhaust.marts.entities import Batch, Course, Requester
from exhaust.marts.records import Build
from exhaust.marts.state import Marts
from exhaust.project.sql import score_bins

MARTS = ("location_summaries", "week_summaries", "score_summaries", "course_assessments")


@dataclass(frozen=True)
class Funnel:
    """How many learners got how far. Each step but the first is a part of `enrolled`."""

    enrolled: int = 0
    """Rows of the report."""
    started: int = 0
    """Those who completed the course, opened a content or attempted an assessment."""
    completed: int = 0
    certified: int = 0

    @classmethod
    def total(cls, parts: "Iterable[Funnel]") -> "Funnel":
        counts = [(one.enrolled, one.started, one.completed, one.certified) for one in parts]
        return cls(*map(sum, zip(*counts, strict=True)))

    def share(self, count: int) -> float | None:
        """Returns a count as a share of the enrolled, from 0 to 1; None if nobody is enrolled."""
        return count / self.enrolled if self.enrolled else None


@dataclass(frozen=True)
class Block:
    name: str | None
    """None for learners whose block the report leaves blank."""
    funnel: Funnel


@dataclass(frozen=True)
class District:
    """A district of a State; two States may have districts of one name."""

    state: str | None
    """None if the report leaves it blank."""
    name: str | None
    """None if the report leaves it blank."""
    funnel: Funnel
    blocks: Sequence[Block]
    """Those with most learners first."""


@dataclass(frozen=True)
class Week:
    """What happened in a week of ISO 8601, in the report's time zone."""

    starts_on: date
    """Its Monday."""
    enrolled: int
    completed: int


@dataclass(frozen=True)
class ScoreBin:
    """The learners whose scores, as whole percentages, are from `lowest` to `highest`."""

    name: str
    lowest: int | None
    """None for learners who did not attempt the assessment."""
    highest: int | None
    """None for the last bin too, which has no end."""
    learners: int


@dataclass(frozen=True)
class Assessment:
    """How an assessment went."""

    assessment_id: str
    assessment_name: str | None
    attempted: int
    """Learners with a score."""
    score_sum: int
    """The sum of their scores, in percent."""
    bins: Sequence[ScoreBin]
    """All bins in order, the first of learners who did not attempt it."""

    @property
    def mean(self) -> float | None:
        """The mean score in percent; None if nobody attempted it."""
        return self.score_sum / self.attempted if self.attempted else None


@dataclass(frozen=True)
class Summary:
    """What the report of some batches of a course adds up to."""

    course: Course
    batches: Sequence[Batch]
    funnel: Funnel
    districts: Sequence[District]
    """Those with most learners first."""
    weeks: Sequence[Week]
    """In order. A week in which nobody enrolled or completed the course is left out."""
    assessments: Sequence[Assessment]
    """All those of the course, top to bottom."""
    left_out: Mapping[str, int]
    """Enrolments that are not in the report, by reason."""
    build: Build
    """Says as of when."""


def summary(
    marts: Marts,
    build: Build,
    course: Course,
    batches: Sequence[Batch],
    requester: Requester | None = None,
) -> Summary:
    """Summarises batches of a course, as the requester sees them, from marts in the state of a
    build. The batches are those that `find_batches` finds for the requester."""
    condition = (
        f"course_id = {marts.warehouse.literal(course.id)} "
        f"and {sees_learner(marts, requester, batches)}"
    )
    districts = _districts(marts, condition)
    left_out: Counter[str] = Counter()
    for batch in batches:
        left_out.update(batch.left_out)
    return Summary(
        course=course,
        batches=batches,
        funnel=Funnel.total(district.funnel for district in districts),
        districts=districts,
        weeks=_weeks(marts, condition),
        assessments=_assessments(marts, course.id, condition),
        left_out=left_out,
        build=build,
    )


def _districts(marts: Marts, condition: str) -> list[District]:
    ordered = {name: marts.warehouse.bytewise(name) for name in ("state", "district", "block")}
    rows = marts.warehouse.query(
        "select nullif(state, ''), nullif(district, ''), nullif(block, ''), "
        "enrolled, started, completed, certified from ("
        "select blocks.*, sum(enrolled) over (partition by state, district) as of_district from ("
        f"select state, district, block, {_sums('enrolled', 'started', 'completed', 'certified')} "
        f"from {marts.relation('location_summaries')} where {condition} "
        "group by state, district, block) as blocks) as districts "
        f"order by of_district desc, {ordered['state']}, {ordered['district']}, "
        f"enrolled desc, {ordered['block']}"
    )
    districts = []
    for (state, name), found in groupby(rows, key=lambda row: row[:2]):
        blocks = [Block(block, Funnel(*counts)) for _, _, block, *counts in found]
        total = Funnel.total(block.funnel for block in blocks)
        districts.append(District(state, name, total, blocks))
    return districts


def _weeks(marts: Marts, condition: str) -> list[Week]:
    rows = marts.warehouse.query(
        f"select week_starts_on, {_sums('enrolled', 'completed')} "
        f"from {marts.relation('week_summaries')} where {condition} "
        "group by week_starts_on order by week_starts_on"
    )
    return [Week(*row) for row in rows]


def _assessments(marts: Marts, course_id: str, condition: str) -> list[Assessment]:
    names = "assessments.assessment_ordinal, assessments.assessment_id, assessments.assessment_name"
    rows = marts.warehouse.query(
        f"select {names}, bin_ordinal, {_sums('learners')}, sum(score_sum) "
        f"from {marts.relation('course_assessments')} as assessments left join "
        f"(select * from {marts.relation('score_summaries')} where {condition}) as scores "
        "on assessments.assessment_ordinal = scores.assessment_ordinal "
        f"where assessments.course_id = {marts.warehouse.literal(course_id)} "
        f"group by {names}, bin_ordinal order by assessments.assessment_ordinal"
    )
    assessments = []
    for (_, assessment_id, name), found in groupby(rows, key=lambda row: row[:3]):
        # Without learners, an assessment has one row without a bin.
        of_bin = {ordinal: (count, total) for *_, ordinal, count, total in found}
        of_bin.pop(None, None)
        bins = [
            ScoreBin(bin["name"], bin["lowest"], bin["highest"], of_bin.get(ordinal, (0, 0))[0])
            for ordinal, bin in enumerate(score_bins())
        ]
        score_sum = sum(int(total) for _, total in of_bin.values())
        attempted = sum(bin.learners for bin in bins[1:])
        assessments.append(Assessment(assessment_id, name, attempted, score_sum, bins))
    return assessments


def _sums(*columns: str) -> str:
    return ", ".join(f"cast(sum({column}) as bigint) as {column}" for column in columns)
