"""The IDs of rows: which of them were changed, what they were, and the key of a row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exhaust.project.sql import literal
from exhaust.reports.reading.value_changes import DAMAGED_IDS, UNKNOWN_ID, true_id, wrong_id
from exhaust.reports.receipt_reader import ReadReceipt
from exhaust.reports.table import ReportColumn

if TYPE_CHECKING:
    import duckdb

MAX_WRONG_IDS = 1_000
"""How many different IDs of a column that are not in the receipt are looked at."""
KEYS = ("course_id", "batch_id", "user_id")
PREFIX = "BatchId_"
"""What a batch ID has before it in the layout of Sunbird's job."""


@dataclass(frozen=True)
class KnownIds:
    """A column whose possible IDs are in the receipt."""

    ids: Sequence[str]
    wrong: Mapping[str, str]
    """What has happened to the others, but for those of which that cannot be told."""
    true: Mapping[str, str]
    """What the others were, where that can be told."""

    def what(self, value: str) -> str:
        """Returns, as SQL, what has happened to an ID; null if nothing has."""
        cases = "when false then null " + " ".join(
            f"when {value} = {_literal(wrong)} then {_literal(what)}"
            for wrong, what in self.wrong.items()
        )
        return (
            f"case when {self._is_known(value)} then null "
            f"else case {cases} else {_literal(UNKNOWN_ID)} end end"
        )

    def restored(self, value: str) -> str:
        """Returns, as SQL, what an ID was; null if that cannot be told."""
        cases = "".join(
            f" when {value} = {_literal(wrong)} then {_literal(true)}"
            for wrong, true in self.true.items()
        )
        return f"case when {self._is_known(value)} then {value}{cases} end"

    def _is_known(self, value: str) -> str:
        return f"coalesce({value}, '') in ({', '.join(map(_literal, self.ids))})"


@dataclass(frozen=True)
class RowKey:
    """What tells a row apart from others, as SQL of the table; null where the IDs are damaged.

    None for a column that neither the file has, nor the receipt says.
    """

    course_id: str | None
    batch_id: str | None
    user_id: str | None


def find_known_ids(
    duck: "duckdb.DuckDBPyConnection",
    relation: str,
    columns: Sequence[ReportColumn],
    receipt: ReadReceipt | None,
) -> dict[str, KnownIds]:
    """Returns the columns whose IDs are in the receipt, by name."""
    found = {}
    for column in columns:
        ids = sorted(receipt.ids.get(column.label.lower(), ())) if receipt else []
        if ids:
            others = duck.execute(
                f"select distinct {column.name} from {relation} "
                f"where {column.name} not in ({', '.join(map(_literal, ids))}) "
                f"limit {MAX_WRONG_IDS}"
            ).fetchall()
            wrong = {value: wrong_id(value, ids) for (value,) in others}
            found[column.name] = KnownIds(
                ids=ids,
                wrong={value: what for value, what in wrong.items() if what != UNKNOWN_ID},
                true={value: true for value in wrong if (true := true_id(value, ids))},
            )
    return found


def find_row_key(
    columns: Sequence[ReportColumn], known: Mapping[str, KnownIds], receipt: ReadReceipt | None
) -> RowKey:
    """Returns the key of the rows of a file with these columns."""
    by_id = {column.id: column for column in columns if not column.assessment_id}

    def restored(column_id: str, label: str) -> str | None:
        column = by_id.get(column_id)
        if column is None:
            ids = sorted(receipt.ids.get(label, ())) if receipt else []
            return _literal(ids[0]) if len(ids) == 1 else None
        if column.name in known:
            return known[column.name].restored(column.name)
        damaged = " or ".join(
            f"regexp_full_match({column.name}, {_literal(pattern.pattern)})"
            for pattern in DAMAGED_IDS.values()
        )
        return f"case when {damaged} then null else {column.name} end"

    batch = restored("batch_id", "batch id")
    is_of_sunbird = receipt is not None and receipt.batch_prefix == PREFIX
    return RowKey(
        course_id=restored("course_id", "collection id"),
        batch_id=f"substr({batch}, {len(PREFIX) + 1})" if batch and is_of_sunbird else batch,
        user_id=restored("user_id", "user uuid"),
    )


def _literal(text: str) -> str:
    return literal(text, "duckdb")
