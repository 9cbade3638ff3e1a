import gzip
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from support import CallingConsole

from exhaust.errors import Busy, DataError
from exhaust.extract.folder import read_extract
from exhaust.pipeline.load import WATCHER, LoadedTable, LoadReport, load
from exhaust.project.settings import Settings
from exhaust.project.sources import SourceTable
from exhaust.warehouse import Warehouse, connect

USER = SourceTable("user", ("userid", "name", "framework"), ("userid",), ("userid",))
ENROLMENTS = SourceTable(
    "user_enrolments", ("userid", "datetime"), ("userid",), ("userid",), newest="datetime"
)
LOCATION = SourceTable("location", ("id", "name"), ("id",), ("id",))

Value = str | None
Writer = Callable[[Value], str]


def land(warehouse: Warehouse, settings: Settings, folder: Path) -> LoadReport:
    extract = read_extract(folder, [USER, LOCATION, ENROLMENTS])
    return load(warehouse, settings, extract)


def rows(
    warehouse: Warehouse, settings: Settings, table: str, *columns: str
) -> list[tuple[Value, ...]]:
    names = ", ".join(map(warehouse.identifier, columns))
    found = warehouse.query(
        f"select {names} from {warehouse.relation(settings.landing_schema, table)}"
    )
    return sorted(found, key=repr)


NASTY = [
    ("001", None),
    ("002", ""),
    ("003", " blank "),
    ("004", 'say "hi"'),
    ("005", "\\"),
    ("006", 'c:\\dir\\"x",'),
    ("007", "two\nlines\r\nthree\rfour"),
    ("008", "हिन्दी தமிழ் 😀"),
    ("009", "'; drop table x; --"),
    ("010", '{"a":{"b":"say \\"hi\\" \\n"}}'),
    ("011", "NULL"),
    ("012", "\\N"),
    ("013", "{{ 7 * 7 }}%s#"),
    ("0130748176837836811", "\\."),
    ("015", ",\n,"),
    ("016", '"'),
    ("017", "\t"),
]


def as_dsbulk(value: Value) -> str:
    if value is None:
        return ""
    if value and not set(value) & set(',"\n\r'):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def as_rfc(value: Value) -> str:
    if value is None:
        return ""
    if value and not set(value) & set(',"\n\r'):
        return value
    return '"' + value.replace('"', '""') + '"'


def csv_of(table: list[tuple[Value, ...]], write: Writer, end: str = "\n") -> bytes:
    lines = ["userid,name", *(",".join(map(write, row)) for row in table)]
    return "".join(line + end for line in lines).encode()


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("write", [as_dsbulk, as_rfc])
def test_csv_lands_as_it_was(
    warehouse: Warehouse, settings: Settings, tmp_path: Path, write: Writer, end: str
) -> None:
    (tmp_path / "user.csv").write_bytes(csv_of(NASTY, write, end))

    report = land(warehouse, settings, tmp_path)

    assert report == LoadReport([LoadedTable("user", len(NASTY), 1, ["framework"])], [])
    assert rows(warehouse, settings, "user", "userid", "name") == sorted(NASTY, key=repr)
    assert rows(warehouse, settings, "user", "framework")[0] == (None,)


@pytest.mark.parametrize("write", [as_dsbulk, as_rfc])
def test_any_values_land_as_they_were(
    warehouse: Warehouse, settings: Settings, tmp_path: Path, write: Writer
) -> None:
    for seed in range(15):
        values = random.Random(seed)
        pieces = [
            '"',
            "\\",
            ",",
            "\n",
            "\r\n",
            "a",
            '\\"',
            "\\\\",
            '""',
            " ",
            '{"x":1}',
            "c:\\d",
            "क",
        ]
        table = [
            (f"{number:03}", "".join(values.choices(pieces, k=values.randrange(1, 6))))
            for number in range(values.randrange(1, 40))
        ]
        (tmp_path / "user.csv").write_bytes(csv_of(table, write))

        land(warehouse, settings, tmp_path)

        assert rows(warehouse, settings, "user", "userid", "name") == sorted(table, key=repr)


def test_json_lines_land_as_text(warehouse: Warehouse, settings: Settings, tmp_path: Path) -> None:
    lines = [
        *(json.dumps({"userid": key, "name": value}) for key, value in NASTY),
        '{"Framework":{"board":["a \\"b\\""], "n":[1]},"userid":"z1","name":123456789012345678}',
        '{"userid":"z2","name":true,"Framework":[]}',
        "",
        '{"userid":"z3"}',
    ]
    (tmp_path / "user.jsonl.gz").write_bytes(gzip.compress("\n".join(lines).encode()))

    land(warehouse, settings, tmp_path)

    landed = rows(warehouse, settings, "user", "userid", "name", "framework")
    assert [row[:2] for row in landed if row[0] and row[0] < "z"] == sorted(NASTY, key=repr)
    assert landed[-3:] == [
        ("z1", "123456789012345678", '{"board":["a \\"b\\""],"n":[1]}'),
        ("z2", "true", "[]"),
        ("z3", None, None),
    ]


def test_parquet_lands_as_text(warehouse: Warehouse, settings: Settings, tmp_path: Path) -> None:
    duckdb.sql(
        f"""
        copy (
            select
                '0130' as userid,
                map {{'board': ['x']}} as framework,
                timestamp '2019-11-16 05:41:50.49' as name,
                timestamptz '2019-11-16 05:41:50+05:30' as zoned,
                date '2020-01-20' as day,
                20.0::decimal(9, 1) as number,
                true as truth,
                {{'a': 1}} as struct,
                encode('हि') as bytes,
                null::varchar as nothing
        ) to '{tmp_path}/user.parquet'
        """
    )

    land(warehouse, settings, tmp_path)

    names = ["userid", "framework", "name", "zoned", "day", "number", "truth"]
    names += ["struct", "bytes", "nothing"]
    assert rows(warehouse, settings, "user", *names) == [
        (
            "0130",
            '{"board":["x"]}',
            "2019-11-16T05:41:50.490000Z",
            "2019-11-16T00:11:50.000000Z",
            "2020-01-20",
            "20.0",
            "true",
            '{"a":1}',
            "हि",
            None,
        )
    ]


def test_parts_are_put_together_by_name(
    warehouse: Warehouse, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "user").mkdir()
    (tmp_path / "user" / "1.csv").write_text('userid,x\n1,"a\\"b"\n')
    (tmp_path / "user" / "2.csv").write_text('y,userid\n"a""b",2\n')
    (tmp_path / "user" / "3.jsonl").write_text('{"userid":"3","x":""}\n')

    report = land(warehouse, settings, tmp_path)

    assert report.tables == [LoadedTable("user", 3, 3, ["name", "framework"])]
    assert rows(warehouse, settings, "user", "userid", "x", "y") == [
        ("1", 'a"b', None),
        ("2", None, 'a"b'),
        ("3", "", None),
    ]


def test_every_column_is_text(warehouse: Warehouse, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "user.csv").write_text("userid,extra\n1,2\n")

    land(warehouse, settings, tmp_path)

    if warehouse.engine == "spark":
        user = warehouse.relation(settings.landing_schema, "user")
        types = [(name, kind) for name, kind, _ in warehouse.query(f"describe {user}")]
    else:
        types = warehouse.query(
            "select column_name, lower(data_type) from information_schema.columns "
            "where table_name = 'user' order by ordinal_position"
        )
    assert [name for name, _ in types] == ["userid", "name", "framework", "extra"]
    assert {kind.split()[0] for _, kind in types} <= {"text", "varchar", "string"}


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


def test_a_view_on_a_landed_table_is_no_obstacle(
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


def test_loads_are_kept(warehouse: Warehouse, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "user.csv").write_text("userid\n1\n2\n")
    (tmp_path / "location.jsonl").touch()
    before = datetime.now(UTC).replace(tzinfo=None)

    land(warehouse, settings, tmp_path)
    land(warehouse, settings, tmp_path)

    loads = rows(warehouse, settings, "loads", "table_name", "row_count", "file_count")
    assert loads == [("location", 0, 1)] * 2 + [("user", 2, 1)] * 2
    times = [time for (time,) in rows(warehouse, settings, "loads", "loaded_at")]
    assert len(set(times)) == 2
    assert all(before <= time <= before + timedelta(minutes=5) for time in times)  # type: ignore[operator]


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
def test_a_load_says_how_new_its_rows_are(
    warehouse: Warehouse, settings: Settings, tmp_path: Path, times: list[str], newest: str | None
) -> None:
    lines = "".join(f"{number},{time}\n" for number, time in enumerate(times))
    (tmp_path / "user_enrolments.csv").write_text(f"userid,datetime\n{lines}")

    (table,) = land(warehouse, settings, tmp_path).tables

    assert table.newest == (newest and datetime.fromisoformat(newest).replace(tzinfo=UTC))
    ((stored,),) = rows(warehouse, settings, "loads", "newest_at")
    assert stored == (newest and datetime.fromisoformat(newest))  # type: ignore[comparison-overlap]


def test_a_load_says_how_many_rows_there_were_before(
    warehouse: Warehouse, settings: Settings, tmp_path: Path
) -> None:
    counts = []
    for number in (10, 5, 2, 2):
        (tmp_path / "user.csv").write_text("userid\n" + "1\n" * number)
        (table,) = land(warehouse, settings, tmp_path).tables
        counts.append((table.rows_before, table.rows, table.has_shrunk))

    assert counts == [(None, 10, False), (10, 5, False), (5, 2, True), (2, 2, False)]


def test_a_load_goes_on_with_the_loads_of_older_versions(
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
def test_what_cannot_be_read_changes_nothing(
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
    told = []

    def interrupt_once(table: str, share: float) -> None:
        told.append(share)
        if len(told) == 1:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        load(warehouse, settings, extract, CallingConsole(interrupt_once))

    assert warehouse.tables(settings.landing_schema) == set()


def test_a_nul_in_parquet_is_unfit(
    warehouse: Warehouse, settings: Settings, tmp_path: Path
) -> None:
    duckdb.sql(f"copy (select 'a' || chr(0) as userid) to '{tmp_path}/user.parquet'")

    with pytest.raises(DataError, match=r"user\.parquet: the text contains a NUL character"):
        land(warehouse, settings, tmp_path)


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_one_value_may_be_many_megabytes(
    warehouse: Warehouse, settings: Settings, tmp_path: Path, form: str
) -> None:
    tree = json.dumps([{"name": "x, \n y"}] * 1_000_000)
    if form == "csv":
        (tmp_path / "user.csv").write_bytes(csv_of([("1", tree), ("2", "z")], as_dsbulk))
    else:
        (tmp_path / "user.jsonl").write_text(json.dumps({"userid": "1", "name": tree}))

    land(warehouse, settings, tmp_path)

    target = warehouse.relation(settings.landing_schema, "user")
    assert warehouse.query(f"select md5(name) from {target} where userid = '1'") == warehouse.query(
        f"select '{hashlib.md5(tree.encode()).hexdigest()}'"
    )


def test_a_value_that_looks_like_rows_stays_one(settings_duckdb: Settings, tmp_path: Path) -> None:
    """They stand where DuckDB's first buffer ends: in parallel, it would go on inside one."""
    long, tricky = f"0,{'x' * 1_000_000}\n", '1,"\n,"\n'
    (tmp_path / "user.csv").write_text("userid,name\n" + long * 66 + tricky * 300_000)

    with connect(settings_duckdb.profile, writing=True) as warehouse:
        land(warehouse, settings_duckdb, tmp_path)

        target = warehouse.relation(settings_duckdb.landing_schema, "user")
        found = warehouse.query(f"select userid, count(*) from {target} group by userid")
        assert sorted(found) == [("0", 66), ("1", 300_000)]


def test_progress_goes_by_the_sizes_of_the_files(
    warehouse: Warehouse, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "user.csv").write_text("userid\n" + "1\n" * 100)
    (tmp_path / "location.csv").write_text("id\n" + "1\n" * 300)
    told = []
    extract = read_extract(tmp_path, [USER, LOCATION])

    load(warehouse, settings, extract, CallingConsole(lambda *now: told.append(now)))

    sizes = [(tmp_path / name).stat().st_size for name in ("user.csv", "location.csv")]
    assert ("user", sizes[0] / sum(sizes)) in told
    assert told[-1] == ("location", 1)
    assert WATCHER not in {thread.name for thread in threading.enumerate()}


def test_a_line_with_stray_quotes_is_not_taken_for_a_record(
    warehouse: Warehouse, settings: Settings, tmp_path: Path
) -> None:
    """The quotes of each line come out even, and yet a value goes over two of them."""
    records = "".join(f'{n}"x,"a\nb",{n}"y\n' for n in range(1_000))
    (tmp_path / "user.csv").write_text(f"userid,name,framework\n{records}", "utf-8")

    with pytest.raises(DataError, match=r"user\.csv: 1,000 of 2,000 records were read"):
        land(warehouse, settings, tmp_path)

    assert "user" not in warehouse.tables(settings.landing_schema)


def test_rows_that_are_not_all_are_unfit(tmp_path: Path) -> None:
    (tmp_path / "user.csv").write_text("userid,name\n1,a\n\n2,b\n\n", "utf-8")
    (table,) = read_extract(tmp_path, [USER]).tables
    (file,) = table.files

    file.check(2)
    with pytest.raises(DataError, match=r"user\.csv: 1 of 2 records were read"):
        file.check(1)


def test_blank_lines_are_no_rows(warehouse: Warehouse, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "user.csv").write_text("userid,name\n1,a\n\n2,b\n\n", "utf-8")

    land(warehouse, settings, tmp_path)

    assert rows(warehouse, settings, "user", "userid") == [("1",), ("2",)]


PROGRAM = """
import sys
from pathlib import Path
from exhaust.extract.folder import read_extract
from exhaust.pipeline.load import load
from exhaust.project.settings import read_settings
from exhaust.project.sources import SourceTable
from exhaust.warehouse import connect
settings = read_settings(Path(sys.argv[1]), use_example=True)
table = SourceTable("user", ("userid",), ("userid",), ("userid",))
extract = read_extract(Path(sys.argv[2]), [table])
if len(sys.argv) > 3:
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]),) * 2)
class Console:
    def progress(self, what, share):
        print("loading", flush=True)
        if len(sys.argv) == 3:
            sys.stdin.readline()
try:
    with connect(settings.profile, writing=True) as warehouse:
        load(warehouse, settings, extract, Console())
except BaseException as error:
    print(type(error).__name__, getattr(error, "message", ""), flush=True)
"""


def loading(
    settings: Settings, extract: Path, *limit: str, new_session: bool = False
) -> subprocess.Popen[str]:
    """A process that loads, and waits for a line once it has begun."""
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(settings.project_dir), str(extract), *limit],
        env=dict(settings.environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=new_session,
    )


def write_much(file: Path) -> None:
    """What takes DuckDB more than 3 MB."""
    hashes = (hashlib.sha256(str(number).encode()).hexdigest() for number in range(200_000))
    file.write_text("userid\n" + "\n".join(hashes))


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_first_load_leaves_no_file(
    settings_duckdb: Settings, tmp_path: Path, how: signal.Signals
) -> None:
    (tmp_path / "user.csv").write_text("userid\n" + "1\n" * 1_000)
    folder = Path(settings_duckdb.profile.options["path"]).parent
    process = loading(settings_duckdb, tmp_path)
    assert process.stdout
    assert process.stdout.readline() == "loading\n"
    assert [path.suffix for path in folder.iterdir()] != []

    process.send_signal(how)
    process.communicate()

    wait_until(lambda: list(folder.iterdir()) == [])


def test_a_first_load_that_fills_the_disk_leaves_no_file(
    settings_duckdb: Settings, tmp_path: Path
) -> None:
    write_much(tmp_path / "user.csv")
    folder = Path(settings_duckdb.profile.options["path"]).parent

    said, _ = loading(settings_duckdb, tmp_path, "3000000").communicate()

    assert said.splitlines()[-1].startswith("DiskFull A disk is full: ")
    assert list(folder.iterdir()) == []


def test_a_load_that_fills_the_disk_changes_nothing(
    settings_duckdb: Settings, tmp_path: Path
) -> None:
    (tmp_path / "user.csv").write_text("userid\nold\n")
    with connect(settings_duckdb.profile, writing=True) as warehouse:
        land(warehouse, settings_duckdb, tmp_path)
    write_much(tmp_path / "user.csv")

    said, _ = loading(settings_duckdb, tmp_path, "3000000").communicate()

    assert said.splitlines()[-1].startswith("DiskFull A disk is full: ")
    with connect(settings_duckdb.profile, writing=True) as warehouse:
        assert rows(warehouse, settings_duckdb, "user", "userid") == [("old",)]


def test_two_first_loads_at_once_leave_one_of_them(
    settings_duckdb: Settings, tmp_path: Path
) -> None:
    (tmp_path / "user.csv").write_text("userid\n1\n")
    profile = settings_duckdb.profile
    first = connect(profile, writing=True)
    second = connect(profile, writing=True)
    land(first, settings_duckdb, tmp_path)
    (tmp_path / "user.csv").write_text("userid\n2\n")
    land(second, settings_duckdb, tmp_path)

    first.close()
    with pytest.raises(Busy, match="was created by another process"):
        second.close()

    with connect(profile, writing=False) as warehouse:
        assert rows(warehouse, settings_duckdb, "user", "userid") == [("1",)]
    assert len(list(Path(profile.options["path"]).parent.iterdir())) == 1


def test_scanners_end_with_a_killed_load(tmp_path: Path) -> None:
    """They look at large files side by side."""
    program = (
        "import os, sys, time; from exhaust.extract.processes import worker_pool\n"
        "with worker_pool() as pool:\n"
        "    print(*pool.map(os.getppid, []), *{pool.submit(os.getpid).result() for _ in 'abc'}, "
        "flush=True)\n"
        "    sys.stdin.readline()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    workers = process.stdout.readline().split()
    assert workers
    assert all(Path("/proc", pid).exists() for pid in workers)

    process.kill()
    process.communicate()

    wait_until(lambda: not any(Path("/proc", pid).exists() for pid in workers))
