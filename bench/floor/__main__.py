"""The least that an engine needs: its own reading of the files, one SQL script, one COPY.

    python -m bench.floor ENGINE load EXTRACT_DIR
    python -m bench.floor ENGINE build
    python -m bench.floor ENGINE export FILE

DuckDB's file is EXHAUST_DUCKDB_PATH. Postgres is found by libpq's variables; its server must be
able to read the files.
"""

import os
import sys
from pathlib import Path

import duckdb
import psycopg

FOLDER = Path(__file__).parent
COLUMNS = ", ".join(
    [
        *["course_id", "course_name", "batch_id", "batch_name", "user_id", "state", "district"],
        *["org_name", "school_id", "school_name", "block", "cluster", "user_type"],
        *["user_sub_type", "declared_board", "enrolment_date", "completion_date"],
        *["certificate_status", "progress", "total_score"],
        *[f"score_{ordinal}" for ordinal in range(1, 11)],
    ]
)


def duckdb_floor(what: str, path: str) -> None:
    with duckdb.connect(
        os.environ["EXHAUST_DUCKDB_PATH"], config={"preserve_insertion_order": what != "load"}
    ) as connection:
        if what == "load":
            connection.execute("create schema sunbird")
            for file in sorted(Path(path).iterdir()):
                connection.execute(
                    f"create table sunbird.{file.stem} as select * from read_csv('{file}', "
                    "all_varchar = true, header = true, delim = ',', quote = '\"', escape = '\\')"
                )
        elif what == "build":
            connection.execute((FOLDER / "duckdb.sql").read_text())
        else:
            connection.execute(
                f"copy (select {COLUMNS} from floor.report) to '{path}' "
                "(format csv, header false, nullstr '', comment '')"
            )


def postgres_floor(what: str, path: str) -> None:
    with psycopg.connect(autocommit=True) as connection, connection.cursor() as cursor:
        if what == "load":
            cursor.execute("create schema sunbird")
            for file in sorted(Path(path).iterdir()):
                with file.open() as lines:
                    header = lines.readline().strip().split(",")
                columns = ", ".join(f'"{name}" text' for name in header)
                cursor.execute(f'create table sunbird."{file.stem}" ({columns})')
                cursor.execute(
                    f"copy sunbird.\"{file.stem}\" from '{file}' (format csv, header, escape '\\')"
                )
                cursor.execute(f'analyze sunbird."{file.stem}"')
        elif what == "build":
            cursor.execute((FOLDER / "postgres.sql").read_text())
        else:
            select = f"copy (select {COLUMNS} from floor.report) to stdout (format csv)"
            with Path(path).open("wb") as out, cursor.copy(select) as copy:
                for data in copy:
                    out.write(data)


if __name__ == "__main__":
    engine, what, *rest = sys.argv[1:]
    {"duckdb": duckdb_floor, "postgres": postgres_floor}[engine](what, *(rest or [""]))
