"""Writes extracts in every format that operators have, from tables of Python values.

    write_extract(folder, sample(PROJECT / "seeds"), "cqlsh", "keyspaces")

A form says how a table becomes a file. A packing says where the files go.
"""

import gzip
import io
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from writers.columnar import json_array, json_lines, parquet_bytes
from writers.cqlsh import cqlsh_csv, old_cqlsh_csv
from writers.delimited import backup_csv, dsbulk_csv, rfc_csv
from writers.tables import KEYSPACES, Question, Table, Tables, Value, sample

__all__ = [
    "FORMS",
    "PACKINGS",
    "Files",
    "Form",
    "Question",
    "Table",
    "Tables",
    "Value",
    "extract_files",
    "sample",
    "write_extract",
    "write_files",
]


@dataclass(frozen=True)
class Form:
    """How a table becomes a file."""

    write: Callable[[Table], bytes]
    """Returns the content, not yet compressed."""
    ending: str

    def file(self, table: Table) -> bytes:
        """Returns the file of a table, compressed if its name ends in `.gz`."""
        content = self.write(table)
        return gzipped(content) if self.ending.endswith(".gz") else content


FORMS = {
    "dsbulk": Form(dsbulk_csv, ".csv"),
    "dsbulk-gz": Form(dsbulk_csv, ".csv.gz"),
    "dsbulk-json": Form(json_lines, ".json"),
    "dsbulk-json-gz": Form(json_lines, ".json.gz"),
    "json-array": Form(json_array, ".json"),
    "json-lines": Form(json_lines, ".jsonl"),
    "json-lines-gz": Form(json_lines, ".jsonl.gz"),
    "rfc4180": Form(rfc_csv, ".csv"),
    "rfc4180-gz": Form(rfc_csv, ".csv.gz"),
    "parquet": Form(parquet_bytes, ".parquet"),
    "cqlsh": Form(cqlsh_csv, ".csv"),
    "cqlsh-before-3.10": Form(old_cqlsh_csv, ".csv"),
    "backup": Form(backup_csv, ".csv"),
}


def gzipped(content: bytes) -> bytes:
    """Returns bytes as gzip, always identical for the same bytes."""
    return gzip.compress(content, compresslevel=1, mtime=0)


Files = dict[str, bytes]
"""The contents of the files of an extract, by their paths within it."""


def write_extract(
    folder: Path, tables: Tables, form: str | Form = "dsbulk", packing: str = "files"
) -> Path:
    """Writes an extract in a form and a packing into a folder, and returns the folder."""
    return write_files(folder, extract_files(tables, form, packing))


def extract_files(tables: Tables, form: str | Form = "dsbulk", packing: str = "files") -> Files:
    """Returns the files of an extract in a form and a packing."""
    return PACKINGS[packing](tables, FORMS[form] if isinstance(form, str) else form)


def write_files(folder: Path, files: Files) -> Path:
    """Writes the files of an extract into a folder, and returns the folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def _files(tables: Tables, form: Form) -> Files:
    """Returns one file per table."""
    return {f"{table.name}{form.ending}": form.file(table) for table in tables.values()}


def _parts(tables: Tables, form: Form) -> Files:
    """Returns one folder per table, with parts named like dsbulk's."""
    return {
        f"{table.name}/output-{number:06}{form.ending}": form.file(part)
        for table in tables.values()
        for number, part in enumerate(_split(table), start=1)
    }


def _split(table: Table, parts: int = 3) -> list[Table]:
    size = -(-len(table.rows) // parts) or 1
    return [
        Table(table.name, table.types, table.rows[start : start + size])
        for start in range(0, len(table.rows) or 1, size)
    ]


def _keyspaces(tables: Tables, form: Form) -> Files:
    """Returns one folder per keyspace, with one file per table and the schema.cql of cqlsh."""
    files = {
        f"{KEYSPACES[table.name]}/{table.name}{form.ending}": form.file(table)
        for table in tables.values()
    }
    schemas = {
        f"{KEYSPACES[table.name]}/schema.cql": b"CREATE KEYSPACE ...;\n"
        for table in tables.values()
    }
    return schemas | files


def _archives(tables: Tables, form: Form) -> Files:
    """Returns `<keyspace>.tar.gz` archives, which unpack to a folder of that name."""
    return {
        f"{keyspace}.tar.gz": tar_gz(files)
        for keyspace, files in _by_keyspace(_keyspaces(tables, form)).items()
    }


def _backups(tables: Tables, form: Form) -> Files:
    """Returns `<keyspace>/<time>.tar.gz` archives, with the files at the top level."""
    return {
        f"{keyspace}/2024-07-01T00-00-00.tar.gz": tar_gz(
            {name.partition("/")[2]: content for name, content in files.items()}
        )
        for keyspace, files in _by_keyspace(_keyspaces(tables, form)).items()
    }


def _by_keyspace(files: Files) -> dict[str, Files]:
    keyspaces: dict[str, Files] = {}
    for name, content in files.items():
        keyspaces.setdefault(name.partition("/")[0], {})[name] = content
    return keyspaces


def tar_gz(files: Files) -> bytes:
    """Returns a tar archive in gzip, always identical for the same files."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return gzipped(stream.getvalue())


PACKINGS: dict[str, Callable[[Tables, Form], Files]] = {
    "files": _files,
    "parts": _parts,
    "keyspaces": _keyspaces,
    "archives": _archives,
    "backups": _backups,
}
