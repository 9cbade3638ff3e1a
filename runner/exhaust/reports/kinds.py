"""The kinds of reports. A new one needs a model for its marts, an entry here, and a test."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """What one kind of report is called, and where its rows and columns come from."""

    name: str
    """In names of files: `<batch id>_<name>_<yyyymmdd>.csv`."""
    dataset: str
    """Sunbird's name: in the ledger, in request IDs, and of the folder of results."""
    rows: str
    """The mart with one row per row of the report."""
    header_plan: str
    """The mart that lists the columns of each course's report."""
    macro: str
    """The macro in macros/report/ that makes the SELECT of a report."""
    details: str | None = None
    """The mart that has more of the same rows, for the additional columns; None if there are
    none."""

    @property
    def marts(self) -> list[str]:
        """The marts that only this kind of report needs."""
        return list(filter(None, (self.rows, self.details, self.header_plan)))


PROGRESS = Kind(
    name="progress",
    dataset="progress-exhaust",
    rows="course_progress",
    details="course_progress_details",
    header_plan="course_report_columns",
    macro="report_of",
)

KINDS = {kind.dataset: kind for kind in [PROGRESS]}
