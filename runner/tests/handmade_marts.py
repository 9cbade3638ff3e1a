"""Marts made by hand, for tests of the code that reads marts."""

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from exhaust.marts.state import COMMON
from exhaust.project.fingerprint import models_hash
from exhaust.project.package import OWN_PACKAGE
from exhaust.project.settings import Settings
from exhaust.project.sql import marts_contract
from exhaust.reports.kinds import PROGRESS
from exhaust.warehouse import Warehouse

MATHS = "do_1"
MATHS_2 = "do_2"
RETIRED = "do_3"
EMPTY = "do_4"
CREATOR = "c"
"""The creator of all courses, from the tenant of the courses."""
MENTOR = "m"
"""A mentor of one batch, from another tenant."""
WITHOUT_ORGANISATION = "h"
"""The creator of a batch, who belongs to no organisation."""
EMPTY_NAME = 'गणित, "advanced" [red]{{ 1 }}\'; drop table x --'
LONG_LABEL = "do_" + "9" * 70 + ', "final" - Score'
HEADER = (
    'Batch ID,User UUID,Enrolment Date,Progress,Total Score,do_7 - Score,"do_'
    + "9" * 70
    + ', ""final"" - Score"\n'
)
LINES = {
    (MATHS, "001"): ["001,u1,01/02/2026,100,47%,0%,50%\n", "001,u2,,0,,,\n"],
    (MATHS, "002"): ['002,"u,3",31/12/2025,5,10%,,10%\n'],
    (MATHS_2, "001"): ["001,u1,01/02/2026,1,,,\n"],
}

TABLES = {
    "courses": "course_id text, course_name text, status text, tenant_id text, tenant_name text, "
    "created_by text, batches bigint, enrolments bigint, assessments bigint",
    "course_batches": "course_id text, batch_id text, batch_name text, status text, starts_on date,"
    " ends_on date, created_by text, mentors text[], is_known boolean, enrolments bigint,"
    " enrolled bigint, completed bigint, left_out_course_unknown bigint,"
    " left_out_batch_unknown bigint, left_out_inactive bigint, left_out_no_enrolment_date bigint,"
    " left_out_enrolment_date_unreadable bigint",
    "course_report_columns": "course_id text, ordinal int, column_name text, label text, kind text,"
    " assessment_ordinal int, assessment_name text",
    "course_progress": "course_id text, batch_id text, user_id text, root_org_id text,"
    " enrolled_on date, progress int, total_score decimal(38, 0), scores decimal(38, 0)[]",
    "course_progress_details": "course_id text, batch_id text, user_id text, root_org_id text,"
    " status text, contents_completed int, contents_total bigint, assessments_attempted int,"
    " assessments_total int, attempts int[], points decimal(18, 6)[], max_points decimal(18, 6)[],"
    " total_score_all decimal(38, 0), last_activity_on date, certificate_on date",
    "requesters": "user_id text, root_org_id text",
    "requester_batches": "user_id text, course_id text, batch_id text, sees_all_learners boolean,"
    " enrolled bigint, completed bigint",
    "builds": "invocation_id text, command text, status text, started_at timestamp,"
    " ended_at timestamp, loaded_at timestamp, oldest_loaded_at timestamp,"
    " newest_activity_at timestamp, loads text, variables text, missing text,"
    " exhaust_version text, contract int, models_hash text,"
    " needed_tests int",
    "built_marts": "invocation_id text, mart text, database_name text, schema_name text,"
    " table_name text, started_at timestamp, replaced_at timestamp",
}

MARTS = (*COMMON, *PROGRESS.marts)

PLAN = [
    ("batch_id", "Batch ID", "text", "null, null"),
    ("user_id", "User UUID", "text", "null, null"),
    ("enrolled_on", "Enrolment Date", "date", "null, null"),
    ("progress", "Progress", "number", "null, null"),
    ("total_score", "Total Score", "percent", "null, null"),
    ("do_7", "do_7 - Score", "score", "1, 'Fractions'"),
    ("do_9", LONG_LABEL, "score", "2, null"),
]
SPARK_TYPES = {
    "text[]": "array<text>",
    "decimal(38, 0)[]": "array<decimal(38, 0)>",
    "decimal(18, 6)[]": "array<decimal(18, 6)>",
    "int[]": "array<int>",
    "text": "string",
}
"""Spark's names of these types, in the order in which they are replaced: `text[]` before `text`."""


def create_marts(warehouse: Warehouse, settings: Settings) -> None:
    """Creates the marts of a build that succeeded at noon on 1 November 2026."""
    _create_tables(warehouse, settings)
    _insert_courses(warehouse, settings)
    _insert_batches(warehouse, settings)
    _insert_header_plan(warehouse, settings)
    _insert_progress(warehouse, settings)
    _insert_requesters(warehouse, settings)
    add_build(warehouse, settings, "success", "2026-11-01 12:00")


def _create_tables(warehouse: Warehouse, settings: Settings) -> None:
    schema = settings.profile.schema
    warehouse.create_schema(schema)
    for name, columns in TABLES.items():
        if warehouse.engine == "spark":
            for type_name, spark_type in SPARK_TYPES.items():
                columns = columns.replace(type_name, spark_type)
        warehouse.execute(f"create table {warehouse.relation(schema, name)} ({columns})")


def _insert_courses(warehouse: Warehouse, settings: Settings) -> None:
    insert(
        warehouse,
        settings,
        "courses",
        f"('{MATHS}', 'Mathematics', 'Live', 't', 'State', 'c', 2, 6, 2)",
        f"('{MATHS_2}', 'Mathematics II', 'Live', 't', 'State', 'c', 1, 1, 0)",
        f"('{RETIRED}', 'Old course', 'Retired', 't', 'State', 'c', 1, 1, 0)",
        f"('{EMPTY}', {warehouse.literal(EMPTY_NAME)}, null, null, null, null, 0, 0, 0)",
    )


def _insert_batches(warehouse: Warehouse, settings: Settings) -> None:
    add_batch(
        warehouse,
        settings,
        MATHS,
        "001",
        "'First'",
        enrolled=2,
        inactive=2,
        no_date=1,
        unreadable_date=4,
    )
    add_batch(warehouse, settings, MATHS, "002", "'Second'", enrolled=1)
    add_batch(warehouse, settings, MATHS, "999", "null", enrolled=0, is_known=False)
    add_batch(warehouse, settings, MATHS_2, "001", "null", enrolled=1)
    add_batch(warehouse, settings, RETIRED, "003", "null", enrolled=1)


def _insert_header_plan(warehouse: Warehouse, settings: Settings) -> None:
    """Inserts PLAN for each course. Its rows are in reverse, so a reader has to sort them."""
    insert(
        warehouse,
        settings,
        "course_report_columns",
        *(
            f"('{course}', {ordinal}, '{column}', {warehouse.literal(label)}, '{kind}', "
            f"{assessment})"
            for course in (MATHS, MATHS_2, RETIRED, EMPTY)
            for ordinal, (column, label, kind, assessment) in reversed([*enumerate(PLAN, 1)])
        ),
    )


def _insert_progress(warehouse: Warehouse, settings: Settings) -> None:
    def scores(*values: int | None) -> str:
        words = ", ".join("null" if value is None else str(value) for value in values)
        if warehouse.engine == "spark":
            return f"cast(array({words}) as array<decimal(38, 0)>)"
        return f"cast(array[{words}] as decimal(38, 0)[])"

    insert(
        warehouse,
        settings,
        "course_progress",
        # In the order of the report, as a build writes them: DuckDB's export relies on it.
        f"('{MATHS}', '001', 'u1', 't', date '2026-02-01', 100, 47, {scores(0, 50)})",
        f"('{MATHS}', '001', 'u2', 'k', null, 0, null, {scores(None, None)})",
        f"('{MATHS}', '002', 'u,3', null, date '2025-12-31', 5, 10, {scores(None, 10)})",
        f"('{MATHS_2}', '001', 'u1', 't', date '2026-02-01', 1, null, {scores(None, None)})",
        f"('{RETIRED}', '003', 'u1', 't', date '2026-02-01', 1, null, {scores(None, None)})",
    )
    progress, details = (
        warehouse.relation(settings.profile.schema, table)
        for table in ("course_progress", "course_progress_details")
    )
    warehouse.execute(
        f"insert into {details} select course_id, batch_id, user_id, root_org_id, 'In progress', "
        f"{', '.join(['null'] * 10)} from {progress}"
    )


def _insert_requesters(warehouse: Warehouse, settings: Settings) -> None:
    insert(
        warehouse,
        settings,
        "requesters",
        f"('{CREATOR}', 't')",
        f"('{MENTOR}', 'k')",
        f"('{WITHOUT_ORGANISATION}', null)",
    )
    insert(
        warehouse,
        settings,
        "requester_batches",
        f"('{CREATOR}', '{MATHS}', '001', true, 2, 1)",
        f"('{CREATOR}', '{MATHS}', '002', true, 1, 1)",
        f"('{CREATOR}', '{MATHS_2}', '001', true, 1, 1)",
        f"('{CREATOR}', '{RETIRED}', '003', true, 1, 1)",
        f"('{MENTOR}', '{MATHS}', '001', false, 1, 0)",
        f"('{WITHOUT_ORGANISATION}', '{MATHS}', '002', false, 0, 0)",
    )


def insert(warehouse: Warehouse, settings: Settings, table: str, *rows: str) -> None:
    into = warehouse.relation(settings.profile.schema, table)
    warehouse.execute(f"insert into {into} values {', '.join(rows)}")


def add_batch(
    warehouse: Warehouse,
    settings: Settings,
    course_id: str,
    batch_id: str,
    name: str,
    *,
    enrolled: int,
    inactive: int = 0,
    no_date: int = 0,
    unreadable_date: int = 0,
    is_known: bool = True,
) -> None:
    insert(
        warehouse,
        settings,
        "course_batches",
        f"('{course_id}', '{batch_id}', {name}, 'Live', date '2026-01-01', null, null, null, "
        f"{is_known}, {enrolled + inactive + no_date + unreadable_date}, {enrolled}, 1, 0, 0, "
        f"{inactive}, {no_date}, {unreadable_date})",
    )


def add_build(
    warehouse: Warehouse,
    settings: Settings,
    status: str | None,
    at: str,
    *,
    command: str = "build",
    marts: Sequence[str] = MARTS,
    contract: int | None = None,
    schema: str | None = None,
    variables: Mapping[str, object] = MappingProxyType({}),
) -> None:
    """Records that a build replaced marts; without a status, it has not ended."""
    for mart in marts:
        insert(
            warehouse,
            settings,
            "built_marts",
            f"('{at}', '{mart}', null, '{schema or settings.profile.schema}', '{mart}', "
            f"timestamp '{at}', timestamp '{at}')",
        )
    if status is None:
        return
    of_build = {
        "landing_schema": settings.landing_schema,
        "report_timezone": settings.report_timezone.key,
        **variables,
    }
    missing = "null" if status == "success" else "'1 of 33 models ran and passed'"
    insert(
        warehouse,
        settings,
        "builds",
        f"('{at}', '{command}', '{status}', timestamp '{at}', timestamp '{at}', "
        "timestamp '2026-11-01', timestamp '2026-10-31', timestamp '2026-10-30 18:45', '[]', "
        f"{warehouse.literal(json.dumps(of_build))}, {missing}, '0.1.0', "
        f"{contract or marts_contract()}, '{models_hash(OWN_PACKAGE)}', 73)",
    )


def report_text(*batches: tuple[str, str]) -> str:
    """Returns the report of batches, given as pairs of course and batch."""
    return HEADER + "".join(line for batch in batches for line in LINES[batch])
