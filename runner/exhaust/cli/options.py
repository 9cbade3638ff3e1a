"""The options and arguments that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

from exhaust.reports.form import Headers, SplitBy
from exhaust.reports.formats import Format
from exhaust.reports.layout import Layout

Target = Annotated[
    str | None,
    typer.Option(
        "--target",
        metavar="NAME",
        help="Target of the dbt profile. [env: EXHAUST_TARGET; default: the profile's]",
    ),
]
ProjectDir = Annotated[
    Path | None,
    typer.Option(
        "--project-dir",
        metavar="DIR",
        help="Folder of the project. [env: EXHAUST_PROJECT_DIR; default: this folder or the "
        "nearest above it]",
    ),
]
ProfilesDir = Annotated[
    Path | None,
    typer.Option(
        "--profiles-dir",
        metavar="DIR",
        help="Folder of profiles.yml. [env: EXHAUST_PROFILES_DIR; default: where dbt finds it]",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result, or the error, as JSON.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Print only errors.")]
Course = Annotated[
    str,
    typer.Argument(metavar="COURSE", help="ID or name of the course, or ID of one of its batches."),
]
Batches = Annotated[
    list[str] | None,
    typer.Option(
        "-b",
        "--batch",
        metavar="BATCH",
        help="ID or name of a batch of the course; repeatable. [default: all]",
    ),
]
LayoutName = Annotated[
    Layout,
    typer.Option("--layout", help="`sunbird` for tools that read the file of Sunbird's own job."),
]
FormatName = Annotated[
    Format | None,
    typer.Option(
        "--format",
        help="`xlsx` for Excel, `csv-excel` for CSV that Excel opens without changing values. "
        "[default: by the ending of -o, else csv]",
    ),
]
HeadersName = Annotated[
    Headers | None,
    typer.Option(
        "--headers",
        help="What the headers say of an assessment: its ID, its name, or both. "
        "[default: id for csv, else both]",
    ),
]
Columns = Annotated[
    list[str] | None,
    typer.Option(
        "--column",
        metavar="NAME",
        help="Only this column, by its label or ID; repeatable, in the order of the file.",
    ),
]
Additions = Annotated[
    list[str] | None,
    typer.Option(
        "--add",
        metavar="NAME",
        help="One more column, such as Status or `Last Activity`; repeatable. docs/report.md lists "
        "them.",
    ),
]
SplitByName = Annotated[
    SplitBy | None,
    typer.Option("--split-by", help="A file for each of these, and an index of the files."),
]
Since = Annotated[
    str | None,
    typer.Option(
        "--since",
        metavar="REQUEST|FILE",
        help="Only the rows that are new or changed since this request or report file.",
    ),
]
Output = Annotated[
    str | None,
    typer.Option(
        "-o",
        metavar="FILE",
        help="One file for all the batches, of one course; `-` is standard output.",
    ),
]
OutputDir = Annotated[
    Path | None,
    typer.Option("--output-dir", metavar="DIR", help="Folder for the files. [default: .]"),
]
RequestId = Annotated[str, typer.Argument(metavar="ID", help="ID of the request.")]
UserId = Annotated[
    str | None,
    typer.Option(
        "--as",
        metavar="USER",
        envvar="EXHAUST_USER",
        show_envvar=False,
        help="Your user ID. [env: EXHAUST_USER; default: the operator, who sees everything]",
    ),
]
