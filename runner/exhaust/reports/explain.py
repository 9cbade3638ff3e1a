"""Explains the report of a learner: the values of their rows, and what they are made from."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from exhaust.errors import DataError, NotFound
from exhaust.marts.explanations import (
    NAMES,
    Attempt,
    Content,
    Enrolment,
    Learner,
    Location,
    Record,
    School,
    read,
)
from exhaust.marts.header_plan import Column, read_header_plan
from exhaust.marts.records import Build
from exhaust.marts.state import BUILD_HINT, Marts, minute
from exhaust.project import sql
from exhaust.reports.columns import matching, nearest_labels
from exhaust.reports.explanation import ExplainedEnrolment, Explanation, Value
from exhaust.reports.kinds import PROGRESS
from exhaust.reports.learner import find_learner
from exhaust.reports.reasons import LOCATIONS, SCHOOLS, why, why_a_row
from exhaust.text import Message, counted, visible

KIND = PROGRESS
MARTS = (*KIND.marts, *NAMES)


def explain(
    marts: Marts,
    build: Build,
    course: str,
    learner: str,
    column: str | None = None,
    *,
    batch: str | None = None,
    user_id: str | None = None,
) -> Explanation:
    """Explains the rows of a learner in the batches of a course, or one column of them.

    `learner` is a user ID; `column` the ID or the label of a column. Raises what `find_learner`
    raises, NotFound for an unknown column, DataError if data was loaded after the build: it is not
    the data of the report.
    """
    if loaded_at := marts.loaded_after(build):
        raise DataError(
            Message(
                "Data was loaded at {loaded}, after the build of {built}: it does not explain "
                "that report.",
                loaded=minute(loaded_at),
                built=minute(build.started_at),
            ),
            BUILD_HINT,
        )
    found, person, enrolments = find_learner(marts, course, learner, batch, user_id)
    plan = read_header_plan(marts, KIND.header_plan, person.course_id)
    chosen = plan if column is None else [_find_column(plan, column)]
    evidence = _read_evidence(marts, person, chosen)
    enrolled = {one.batch_id for one in enrolments}
    return Explanation(
        course_id=person.course_id,
        course_name=found.course_name if found else None,
        user_id=person.user_id,
        column=None if column is None else str(chosen[0]["label"]),
        enrolments=[
            _explained(marts, person, enrolment, evidence, chosen, build)
            for enrolment in enrolments
        ],
        attempts_elsewhere=[one for one in evidence.attempts if one.batch_id not in enrolled],
        build=build,
    )


def check_explanations(marts: Marts) -> None:
    """Raises DataError if the views that explain the report are not there.

    On Postgres, a load drops whatever reads the raw tables.
    """
    marts.check_built(KIND.marts)
    try:
        marts.check_built(NAMES)
    except DataError as error:
        raise DataError(
            Message(
                "There is nothing to explain the report with: data was loaded after the build, or "
                "an earlier version of exhaust built it."
            ),
            BUILD_HINT,
        ) from error


@dataclass(frozen=True)
class _Evidence:
    """What the values of a learner are made from, in all batches; only what the columns need."""

    contents: Sequence[Content]
    attempts: Sequence[Attempt]
    schools: Sequence[School]
    locations: Sequence[Location]


def _read_evidence(marts: Marts, person: Learner, columns: Sequence[Column]) -> _Evidence:
    ids = {column["column_name"] for column in columns}
    scores = {column["column_name"] for column in columns if column["kind"] == "score"}
    has_all_attempts = "total_score" in ids

    def needed(kind: type[Record], names: Collection[str]) -> list[Record]:
        return read(marts, kind, person) if ids & {*names} else []

    return _Evidence(
        contents=needed(Content, ["progress"]),
        attempts=[
            attempt
            for attempt in needed(Attempt, ["total_score", *scores])
            if has_all_attempts or attempt.content_id in scores
        ],
        schools=needed(School, [*LOCATIONS, *SCHOOLS]),
        locations=[
            location
            for location in needed(Location, LOCATIONS)
            if ids >= {*LOCATIONS} or location.location_type in ids
        ],
    )


def _explained(
    marts: Marts,
    person: Learner,
    enrolment: Enrolment,
    evidence: _Evidence,
    columns: Sequence[Column],
    build: Build,
) -> ExplainedEnrolment:
    def of_batch(records: Sequence[Record]) -> list[Record]:
        return [record for record in records if record.batch_id == enrolment.batch_id]

    is_row = enrolment.left_out_reason is None
    explained = ExplainedEnrolment(
        batch_id=enrolment.batch_id,
        is_row=is_row,
        because=why_a_row(enrolment),
        enrolment=enrolment,
        values=[],
        contents=of_batch(evidence.contents) if is_row else [],
        attempts=of_batch(evidence.attempts),
        schools=of_batch(evidence.schools) if is_row else [],
        locations=of_batch(evidence.locations) if is_row else [],
    )
    if not is_row:
        return explained
    values = [
        Value(
            column_id=column["column_name"],
            label=column["label"],
            value=value,
            because=why(column, value, explained, build.report_timezone),
        )
        for column, value in zip(columns, _cells(marts, person, enrolment, columns), strict=True)
    ]
    return replace(explained, values=values)


def _cells(
    marts: Marts, person: Learner, enrolment: Enrolment, columns: Sequence[Column]
) -> list[str | None]:
    """Returns the cells of an enrolment's row, as its file has them."""
    key: Column = {
        "column_name": "user_id",
        "label": "user_id of the row",
        "kind": "text",
        "assessment_ordinal": None,
    }
    report = sql.report(
        KIND.macro,
        engine=marts.warehouse.engine,
        relation=marts.relation(KIND.rows),
        columns=[key, *columns],
        course_id=person.course_id,
        batch_ids=[enrolment.batch_id],
    )
    ((_, *cells),) = marts.warehouse.query(
        f"select * from ({report}) as report "
        f"where {marts.warehouse.identifier(key['label'])} = "
        f"{marts.warehouse.literal(person.user_id)}"
    )
    return [None if cell is None else str(cell) for cell in cells]


def _find_column(plan: Sequence[Column], text: str) -> Column:
    """Returns the column of that name, the first if there are several. Raises NotFound."""
    for column in matching(plan, text):
        return column
    nearest = "\n".join(f"  {label}" for label in nearest_labels(plan, text))
    raise NotFound(
        f"No column matches `{visible(text)}` (searched {counted(len(plan), 'column')} by ID and "
        f"label). The nearest:\n{nearest}",
        "Give the ID or the label of a column, such as Progress, or the ID of an assessment.",
    )
