"""Summaries of the handmade marts, which agree with the rows there."""

from handmade_marts import MATHS, MATHS_2, RETIRED, create_marts, insert

from exhaust.project.settings import Settings
from exhaust.warehouse import Warehouse, connect

BUILT_AT = "2026-11-01 12:00"
KEY = "course_id text, batch_id text, root_org_id text"
TABLES = {
    "location_summaries": f"{KEY}, state text, district text, block text, enrolled bigint, "
    "started bigint, completed bigint, certified bigint",
    "week_summaries": f"{KEY}, week_starts_on date, enrolled bigint, completed bigint",
    "score_summaries": f"{KEY}, assessment_id text, assessment_ordinal int, bin_ordinal int, "
    "score_bin text, learners bigint, score_sum decimal(38, 0)",
    "course_assessments": "course_id text, assessment_id text, assessment_ordinal int, "
    "assessment_name text",
}
COLLEAGUE = "m2"
"""Another mentor of the batch 001, with the learners of the same organisation."""


def with_summaries(settings: Settings) -> Settings:
    """Creates the marts of create_marts, and those that summarise them."""
    with connect(settings.profile, writing=True) as warehouse:
        create_marts(warehouse, settings)
        _create(warehouse, settings)
        _fill(warehouse, settings)
    return settings


def _create(warehouse: Warehouse, settings: Settings) -> None:
    schema = settings.profile.schema
    for name, columns in TABLES.items():
        warehouse.execute(f"create table {warehouse.relation(schema, name)} ({columns})")
        insert(
            warehouse,
            settings,
            "built_marts",
            f"('{BUILT_AT}', '{name}', null, '{schema}', '{name}', timestamp '{BUILT_AT}', "
            f"timestamp '{BUILT_AT}')",
        )


def _fill(warehouse: Warehouse, settings: Settings) -> None:
    insert(
        warehouse,
        settings,
        "location_summaries",
        f"('{MATHS}', '001', 't', 'Bihar', 'Gaya', 'Town', 1, 1, 1, 0)",
        f"('{MATHS}', '001', 'k', 'Kerala', 'Idukki', '', 1, 0, 0, 0)",
        f"('{MATHS}', '002', '', '', '', '', 1, 1, 1, 0)",
        f"('{MATHS_2}', '001', 't', 'Bihar', 'Gaya', 'Town', 1, 1, 1, 0)",
        f"('{RETIRED}', '003', 't', 'Bihar', 'Gaya', 'Town', 1, 1, 1, 0)",
    )
    insert(
        warehouse,
        settings,
        "week_summaries",
        f"('{MATHS}', '001', 't', date '2026-01-26', 1, 0)",
        f"('{MATHS}', '001', 'k', date '2026-02-09', 1, 0)",
        f"('{MATHS}', '001', 't', date '2026-02-16', 0, 1)",
    )
    insert(
        warehouse,
        settings,
        "score_summaries",
        f"('{MATHS}', '001', 't', 'do_7', 1, 1, '0', 1, 0)",
        f"('{MATHS}', '001', 'k', 'do_7', 1, 0, 'not attempted', 1, 0)",
    )
    insert(
        warehouse, settings, "course_assessments", f"('{MATHS}', 'do_7', 1, 'Fractions <&> \"x\"')"
    )
    insert(warehouse, settings, "requesters", f"('{COLLEAGUE}', 'k')")
    insert(
        warehouse, settings, "requester_batches", f"('{COLLEAGUE}', '{MATHS}', '001', false, 1, 0)"
    )
