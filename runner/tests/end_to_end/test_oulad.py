"""Real data: the Open University dataset as Sunbird tables, in the folder EXHAUST_OULAD_DIR.

The numbers come from the dataset (Scientific Data 4:170171), not from a run.
"""

import csv
import os
from datetime import date
from hashlib import sha256
from pathlib import Path

import pytest
from oracle import make_reports
from summary_support import added_up, said, written
from support import GOLDEN, Built, export_all

from exhaust import api
from exhaust.marts.state import open_marts
from exhaust.reports.export import ExportReport

BATCHES = 22
ACTIVE = 22437
INACTIVE = 10156
ISSUED = 15385


@pytest.fixture(scope="session")
def exported(built: Built, tmp_path_factory: pytest.TempPathFactory) -> tuple[ExportReport, Path]:
    folder = tmp_path_factory.mktemp("oulad")
    settings = built(Path(os.environ["EXHAUST_OULAD_DIR"]))
    return export_all(settings, folder, day=date(2024, 7, 1)), folder


def learners(folder: Path) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    for file in sorted(folder.glob("*.csv")):
        with file.open(encoding="utf-8", newline="") as lines:
            found.extend(csv.DictReader(lines))
    return found


def test_every_active_enrolment_is_one_row(exported: tuple[ExportReport, Path]) -> None:
    report, folder = exported
    rows = learners(folder)

    assert len(report.files) == BATCHES
    assert len(rows) == ACTIVE
    assert len({(row["Batch ID"], row["User UUID"]) for row in rows}) == ACTIVE
    assert sum(file.left_out["inactive"] for file in report.files) == INACTIVE


def test_learners_who_passed_have_a_certificate(exported: tuple[ExportReport, Path]) -> None:
    issued = [row for row in learners(exported[1]) if row["Certificate Status"] == "Issued"]

    assert len(issued) == ISSUED
    assert {row["Progress"] for row in issued} == {"100"}
    assert all(row["Completion Date"] for row in issued)


def test_every_report_has_its_golden_digest(exported: tuple[ExportReport, Path]) -> None:
    lines = (GOLDEN / "oulad.sha256").read_text().splitlines()
    golden = {batch: digest for digest, batch in map(str.split, lines)}
    written = {
        file.name.removesuffix("_progress_20240701.csv"): sha256(file.read_bytes()).hexdigest()
        for file in exported[1].glob("*.csv")
    }

    assert written == golden


def test_the_golden_digests_are_those_of_the_oracle() -> None:
    lines = (GOLDEN / "oulad.sha256").read_text().splitlines()
    made = make_reports(Path(os.environ["EXHAUST_OULAD_DIR"])).files

    assert lines == [
        f"{sha256(content).hexdigest()}  {batch_id}"
        for (_, batch_id), content in sorted(made.items(), key=lambda made: made[0][1])
    ]


def test_summaries_are_what_the_reports_add_up_to(built: Built) -> None:
    settings = built(Path(os.environ["EXHAUST_OULAD_DIR"]))
    for course in api.courses(settings):
        with open_marts(settings) as marts:
            report = written(marts, course.id, [], None)
        assert said(api.summary(settings, course.id)) == added_up(report), course.id
