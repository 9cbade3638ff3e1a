"""The order of a report's rows: by batch ID, then user ID, bytewise."""

from dataclasses import dataclass

from exhaust.reports.reading import ReadBack


@dataclass(frozen=True)
class Order:
    """Which rows are out of order, and which learners are in a batch twice."""

    first_out_of_order: tuple[int, str] | None
    """The number and the user ID of a row."""
    duplicates: int
    first_duplicate: tuple[int, str] | None


def find_order(read: ReadBack) -> Order:
    """Looks at the rows of a report; those whose IDs are missing or damaged do not count."""
    batch, user = read.key.batch_id, read.key.user_id
    if batch is None or user is None:
        return Order(None, 0, None)
    keys = (
        f"select row_number, {batch} as batch_key, {user} as user_key from {read.relation} "
        "where batch_key is not null and user_key is not null"
    )
    duplicates, first_duplicate = _first(
        read,
        f"select row_number, user_key from ({keys}) "
        "qualify row_number() over (partition by batch_key, user_key order by row_number) > 1",
    )
    _, first_out_of_order = _first(
        read,
        "select row_number, user_key from (select *, "
        "lag(batch_key) over by_row as last_batch, lag(user_key) over by_row as last_user "
        f"from ({keys}) window by_row as (order by row_number)) "
        "where batch_key < last_batch or batch_key = last_batch and user_key < last_user",
    )
    return Order(first_out_of_order, duplicates, first_duplicate)


def _first(read: ReadBack, select: str) -> tuple[int, tuple[int, str] | None]:
    """Returns the number of rows of a SELECT, and its first one if there is one."""
    found = read.duck.execute(
        f"select count(*), min(row_number), arg_min(user_key, row_number) from ({select})"
    ).fetchall()
    ((times, *first),) = found
    return times, (first[0], first[1]) if times else None
