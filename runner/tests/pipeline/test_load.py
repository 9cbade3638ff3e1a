"""What a load replaces, records and reports, and that a failed load changes nothing."""

import os
import signal
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from load_support import LOCATION, USER, land, rows
from support import CallingConsole

from exhaust.errors import DataError
from exhaust.extract.folder import read_extract
from exhaust.pipeline.load import WATCHER, load
from exhaust.project.settings import Settings
from exhaust.warehouse import Warehouse, connect


def test_a_load_replaces_its_tables_and_no_others(
    warehouse: Warehouse, settings: Settings, tmp_path: Path
) -> None:
    user, location = tmp_path / "user.csv", tmp_path / "location.csv"
    user.write_text("userid,old\n1,x\n2,y\n")
    location.write_text("id,name\n1,x\n")
    land(warehouse, settings, tmp_path)
    location.unlink()
    user.write_text("userid,new\n3,z\n")

    land(warehouse, settings, tmp_path)

    assert rows(warehouse, settings, "user", "userid", "new") == [("3", "z")]
    assert rows(warehouse, settings, "location", "id", "name") == [("1", "x")]


def test_a_view_on_a_landed_table_does_not_stop_a_load(
    warehouse: Warehouse, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "user.csv").write_text("userid\n1\n")
    land(warehouse, settings, tmp_path)
    target = warehouse.relation(settings.landing_schema, "user")
    warehouse.execute(f"create view seen as select userid from {target}")

    land(warehouse, settings, tmp_path)

    assert rows(warehouse, settings, "user", "userid") == [("1",)]


def test_a_landed_table_has_statistics(settings_postgres: Settings, tmp_path: Path) -> None:
    (tmp_path / "location.csv").write_text("id,name\n1,a\n2,a\n")
    with connect(settings_postgres.profile, writing=True) as warehouse:
        land(warehouse, settings_postgres, tmp_path)
        found = warehouse.query(
            "select attname, n_distinct from pg_stats where tablename = 'location'"
        )

    assert sorted(found) == [("id", -1), ("name", -0.5)]


def test_every_load_is_recorded(warehouse: Warehouse, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "user.csv").write_text("userid\n1\n2\n")
    (tmp_path / "location.jsonl").touch()
    before = datetime.now(UTC).replace(tzinfo=None)

    land(warehouse, settings, tmp_path)
    land(warehouse, settings, tmp_path)

    loads = rows(warehouse, settings, "loads", "table_name", "row_count", "file_count")
    assert loads == [("location", 0, 1)] * 2 + [("user", 2, 1)] * 2
    times = [time for (time,) in rows(warehouse, settings, "loads", "loaded_at")]
    assert len(set(times)) == 2
    assert all(before <= time <= before + timedelta(minutes=5) for time in times)


@pytest.mark.parametrize(
    ("times", "newest"),
    [
        (["2024-06-03T04:30:00Z", "2024-06-03 04:29:59.999999+0000", ""], "2024-06-03T04:30:00"),
        (["2024-06-03 04:30:00.382", "2024-06-03T04:29:59Z"], "2024-06-03T04:30:00"),
        (["2024-06-03 04:30:00.000+0530", "2024-06-02T23:30:00Z"], "2024-06-02T23:30:00"),
        (["2024-06-03 04:30:00:000+05:30", "2024-06-02"], "2024-06-02T23:00:00"),
        (["12-14-2020 04:30:00:000+0000", "1", "text", "2020-01-20"], "2020-01-20T00:00:00"),
        (["12-14-2020 04:30:00:000+0000", ""], None),
        ([], None),
    ],
)
def test_a_load_reports_its_newest_row(
    warehouse: Warehouse, settings: Settings, tmp_path: Path, times: list[str], newest: str | None
) -> None:
    lines = "".join(f"{number},{time}\n" for number, time in enumerate(times))
    (tmp_path / "user_enrolments.csv").write_text(f"userid,datetime\n{lines}")

    (table,) = land(warehouse, settings, tmp_path).tables

    assert table.newest == (newest and datetime.fromisoformat(newest).replace(tzinfo=UTC))
    ((stored,),) = rows(warehouse, settings, "loads", "newest_at")
    assert stored == (newest and datetime.fromisoformat(newest))


def test_a_load_reports_the_rows_before_it(
    warehouse: Warehouse, settings: Settings, tmp_path: Path
) -> None:
    counts = []
    for number in (10, 5, 2, 2):
        (tmp_path / "user.csv").write_text("userid\n" + "1\n" * number)
        (table,) = land(warehouse, settings, tmp_path).tables
        counts.append((table.rows_before, table.rows, table.has_shrunk))

    assert counts == [(None, 10, False), (10, 5, False), (5, 2, True), (2, 2, False)]


def test_a_load_extends_the_loads_table_of_older_versions(
    warehouse: Warehouse, settings: Settings, tmp_path: Path
) -> None:
    loads = warehouse.relation(settings.landing_schema, "loads")
    warehouse.execute(f"create schema {warehouse.identifier(settings.landing_schema)}")
    warehouse.execute(
        f"create table {loads} (table_name {warehouse.text}, row_count bigint, "
        "file_count bigint, loaded_at timestamp)"
    )
    warehouse.execute(f"insert into {loads} values ('user', 4, 1, timestamp '2026-01-01 00:00:00')")
    (tmp_path / "user.csv").write_text("userid\n1\n")

    (table,) = land(warehouse, settings, tmp_path).tables

    assert table.rows_before == 4
    assert len(rows(warehouse, settings, "loads", "table_name", "newest_at")) == 2


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("user.csv", 'userid,name\n1,"x\ny"\n2\n', "user.csv, line 4: expected 2 columns, found 1"),
        ("user.csv", "userid,name\n1,2\n3,4,5\n", "user.csv, line 3: expected 2 columns, found 3"),
        ("user.csv", "\ufeffuserid,name\n1,2\n\n3\n", "line 4: expected 2 columns, found 1"),
        ("user.csv", 'userid,name\n1,"2"x\n', "user.csv, line 2: a closing quote is followed"),
        ("user.csv", 'userid,name\n1,"2\\"\n3,"4"x\n', "line 3: a closing quote is followed"),
        (
            "user.csv",
            "userid,name\n1,2\n3,x\ry\n",
            "user.csv, line 3: a carriage return is outside quotes",
        ),
        (
            "user.csv",
            "userid,name\n1,2\r\n",
            "user.csv, line 2: a carriage return is outside quotes",
        ),
        ("user.csv", b"userid,name\n1,2\n3,\xff\n", "user.csv, line 3: the text is not UTF-8"),
        (
            "user.jsonl",
            '{"userid":1}\n{"userid":2,"userid":3}\n',
            "line 2: the object has the key `userid`",
        ),
        (
            "user.jsonl",
            '{"userid":1}\n{"userid":"\\u0000"}\n',
            "user.jsonl, line 2: the text contains a NUL character",
        ),
    ],
)
def test_an_unreadable_file_changes_nothing(
    warehouse: Warehouse,
    settings: Settings,
    tmp_path: Path,
    name: str,
    content: str | bytes,
    message: str,
) -> None:
    (tmp_path / "location.csv").write_text("id,name\n1,x\n")
    (tmp_path / "user.csv").write_text("userid\n1\n")
    land(warehouse, settings, tmp_path)
    (tmp_path / "user.csv").unlink()
    (tmp_path / "location.csv").write_text("id,name\n2,y\n")
    (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)

    with pytest.raises(DataError) as error:
        land(warehouse, settings, tmp_path)

    assert message in error.value.message
    assert error.value.hint
    assert rows(warehouse, settings, "user", "userid", "name", "framework") == [("1", None, None)]
    assert rows(warehouse, settings, "location", "id") == [("1",)]
    assert len(rows(warehouse, settings, "loads", "table_name")) == 2


def test_a_failed_first_load_leaves_nothing(
    warehouse: Warehouse, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "user.csv").write_text("userid,name\n1\n")

    with pytest.raises(DataError):
        land(warehouse, settings, tmp_path)

    assert warehouse.tables(settings.landing_schema) == set()


def test_an_interrupted_load_leaves_nothing(
    warehouse: Warehouse, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "user.csv").write_text("userid\n" + "1\n" * 5_000_000)
    extract = read_extract(tmp_path, [USER])
    shares: list[float] = []

    def interrupt_once(table: str, share: float) -> None:
        shares.append(share)
        if len(shares) == 1:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        load(warehouse, settings, extract, CallingConsole(interrupt_once))

    assert warehouse.tables(settings.landing_schema) == set()


def test_progress_is_measured_by_file_size(
    warehouse: Warehouse, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "user.csv").write_text("userid\n" + "1\n" * 100)
    (tmp_path / "location.csv").write_text("id\n" + "1\n" * 300)
    calls = []
    extract = read_extract(tmp_path, [USER, LOCATION])

    load(warehouse, settings, extract, CallingConsole(lambda *now: calls.append(now)))

    sizes = [(tmp_path / name).stat().st_size for name in ("user.csv", "location.csv")]
    assert ("user", sizes[0] / sum(sizes)) in calls
    assert calls[-1] == ("location", 1)
    assert WATCHER not in {thread.name for thread in threading.enumerate()}
