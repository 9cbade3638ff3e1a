"""Rewrites an extract of `bench.generate` as `cqlsh COPY TO` does (Python 3.10 or later).

python -m bench.cqlsh EXTRACT DIR
"""

from pathlib import Path
from typing import Annotated

import duckdb
import typer

COLLECTIONS = {
    "framework",
    "mentors",
    "contentstatus",
    "issued_certificates",
    "userinfo",
}
TIMES = {
    "enrolled_date",
    "completedon",
    "datetime",
    "start_date",
    "end_date",
    "last_attempted_on",
    "updated_on",
}


def rewrite(extract: Path, folder: Path) -> None:
    """Writes each table of an extract into a new folder."""
    folder.mkdir(parents=True)
    for file in sorted(extract.glob("*.csv")):
        with duckdb.connect() as duck:
            _rewrite(duck, file, folder / file.name)


def _rewrite(duck: duckdb.DuckDBPyConnection, file: Path, to: Path) -> None:
    source = (
        f"read_csv('{_quoted(file)}', all_varchar = true, header = true, delim = ',', "
        "quote = '\"', escape = '\\', strict_mode = true)"
    )
    columns = [name for name, *_ in duck.sql(f"describe from {source}").fetchall()]
    fields = " || ',' || ".join(_field(name) for name in columns)
    to.write_text(",".join(columns) + "\r\n")
    lines = to.with_suffix(".lines")
    duck.execute(
        f"copy (select {fields} || chr(13) as line from {source}) to '{_quoted(lines)}' "
        "(format csv, header false, delimiter '\x01', quote '')"
    )
    with lines.open("rb") as content, to.open("ab") as whole:
        while chunk := content.read(1 << 24):
            whole.write(chunk)
    lines.unlink()


def _field(name: str) -> str:
    text = f'"{name}"'
    if name in COLLECTIONS:
        # Texts of the benchmark contain commas and colons, but none next to a quote.
        spaced = f"""replace(replace({text}, ',"', ', "'), '":', '": ')"""
        literal = f"""replace({spaced}, '"', '''')"""
        text = f"case when {text} in ('[]', '{{}}') then null else {literal} end"
    elif name in TIMES:
        time = f"cast({text} as timestamptz) at time zone 'UTC'"
        text = f"strftime({time}, '%Y-%m-%d %H:%M:%S.%g+0000')"
    escaped = f"""replace(replace({text}, '\\', '\\\\\\\\'), '"', '\\"')"""
    field = f"""case when contains({text}, ',') then '"' || {escaped} || '"' else {escaped} end"""
    return f"coalesce({field}, '')"


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def main(
    extract: Annotated[Path, typer.Argument(metavar="EXTRACT", help="Folder to read.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to create.")],
) -> None:
    """Rewrite an extract as cqlsh does."""
    rewrite(extract, folder)


if __name__ == "__main__":
    typer.run(main)
