"""Exports and requests on Spark."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from handmade_marts import CREATOR, HEADER, LINES, MATHS, MATHS_2, MENTOR, create_marts
from support import NO_MESSAGES, ManualClock

from exhaust.errors import ExhaustError
from exhaust.marts.state import Marts
from exhaust.project.settings import Settings
from exhaust.reports.export import export
from exhaust.reports.form import ReportForm
from exhaust.reports.layout import Layout
from exhaust.reports.selection import Criteria, Destination
from exhaust.requests.desk import submit
from exhaust.requests.entities import Status
from exhaust.requests.ledger import Ledger
from exhaust.requests.worker import process
from exhaust.warehouse import Warehouse


@pytest.fixture
def marts(spark_warehouse: Warehouse, settings_spark: Settings) -> Marts:
    create_marts(spark_warehouse, settings_spark)
    return Marts(spark_warehouse, settings_spark)


def test_exports_requests_and_rights_work(
    marts: Marts, settings_spark: Settings, tmp_path: Path
) -> None:
    """One test, because creating the marts takes long."""

    def written(criteria: Criteria) -> dict[str, str]:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        clock = ManualClock(date(2026, 11, 1))
        export(marts, criteria, Destination(folder=folder), NO_MESSAGES, clock)
        return {file.name.partition("_")[0]: file.read_text() for file in folder.glob("*.csv")}

    first, second = (HEADER + "".join(LINES[MATHS, batch]) for batch in ("001", "002"))
    assert written(Criteria([MATHS])) == {"001": first, "002": second}
    only_of_k = HEADER + LINES[MATHS, "001"][1]
    assert written(Criteria([MATHS], user_id=MENTOR)) == {"001": only_of_k}
    (sunbird,) = written(Criteria([MATHS_2], form=ReportForm(layout=Layout.SUNBIRD))).values()
    assert sunbird.splitlines()[1].startswith("BatchId_001,u1,01/02/2026,1")

    desk = replace(settings_spark, results_dir=tmp_path / "results")
    with Ledger.open(settings_spark.profile) as ledger:
        submit(marts, ledger, Criteria([MATHS_2], user_id=CREATOR))
        (done,) = process(desk, ledger, "worker", NO_MESSAGES)
    assert done.status == Status.SUCCESS


def test_a_failed_task_is_an_error_of_one_line(spark_warehouse: Warehouse) -> None:
    """Java's own message is a stack trace."""
    with pytest.raises(ExhaustError, match=r"failed: .*USER_RAISED.*") as raised:
        spark_warehouse.copy_out("select raise_error('no') || id from range(1)", print)
    assert "\n" not in raised.value.message
