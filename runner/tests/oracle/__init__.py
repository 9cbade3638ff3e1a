"""An independent program that makes the reports of an extract, to check exhaust against.

It follows the contract (docs/extract.md, docs/report.md) and shares no code with the models, the
macros or the runner: plain Python with integers only, no SQL. Its output is the golden files.

It reads CSV from dsbulk and of RFC 4180, JSON lines, gzip and folders of parts. It does not read
CQL literals, Parquet or alternative names of tables and columns, because those give the same
report. It is meant for honest extracts, not hostile ones: for a file that it cannot read, it raises
ValueError.
"""

from oracle.report import Reports, file_name, make_reports

__all__ = ["Reports", "file_name", "make_reports"]
