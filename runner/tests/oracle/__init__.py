"""An independent program that makes the report from an extract, to hold exhaust against.

It follows the contract (docs/extract.md, docs/report.md) and shares no line with the models, macros
or the runner: plain Python, whole numbers only, no SQL. The golden files are its output.

It reads CSV of dsbulk and of RFC 4180, JSON lines, gzip and folders of parts. It does not read the
literals of cqlsh, Parquet or other names of tables and columns: what those give is the same report.
It checks an honest extract, not a hostile one: a file that it cannot read is a ValueError.
"""

from oracle.report import Reports, file_name, make_reports

__all__ = ["Reports", "file_name", "make_reports"]
