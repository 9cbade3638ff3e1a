"""Columns from course_progress_details are those of the same row, wherever the rows are stored."""

import duckdb
import pytest

from exhaust.project import sql

PLAN = [
    {"column_name": "user_id", "label": "User UUID", "kind": "text"},
    {"column_name": "status", "label": "Status", "kind": "text", "addition": "status"}
    | {"source": "status"},
]


def select_of(batch_ids: list[str] | None) -> str:
    return sql.report(
        "report_of",
        engine="duckdb",
        relation="progress",
        details="details",
        columns=PLAN,
        course_id="do_1",
        batch_ids=batch_ids,
    )


@pytest.mark.parametrize("rows_before", [0, 1, 2047, 2048, 6143])
@pytest.mark.parametrize("batch_ids", [["01"], ["02"], ["01", "02"], None])
def test_added_columns_are_those_of_their_row(
    rows_before: int, batch_ids: list[str] | None
) -> None:
    """DuckDB reads 2,048 rows at a time: batches begin and end anywhere between them."""
    with duckdb.connect() as connection:
        connection.execute(
            "create table progress as select "
            f"case when position < {rows_before} then 'other' else 'do_1' end as course_id, "
            f"case when position < {rows_before} + 1038 then '01' else '02' end as batch_id, "
            f"cast(position as varchar) as user_id from range({rows_before} + 2459) as t(position)"
        )
        connection.execute("create table details as select *, user_id as status from progress")
        rows = connection.execute(select_of(batch_ids)).fetchall()
    assert rows
    assert [user for user, _ in rows] == [status for _, status in rows]


@pytest.mark.parametrize("change", ["order by position desc", "where position <> 1", "limit 1"])
def test_details_that_are_not_in_step_end_the_export(change: str) -> None:
    with duckdb.connect() as connection:
        connection.execute(
            "create table progress as select 'do_1' as course_id, '01' as batch_id, "
            "cast(position as varchar) as user_id, position from range(3) as t(position)"
        )
        connection.execute(
            f"create table details as select *, user_id as status from progress {change}"
        )
        with pytest.raises(duckdb.Error, match="is not in step with course_progress"):
            connection.execute(select_of(None)).fetchall()
