"""The options of the commands that write or request reports: in which form, and the password."""

from dataclasses import dataclass

from exhaust.cli.options import (
    Additions,
    Columns,
    FormatName,
    HeadersName,
    LayoutName,
    Since,
    SplitByName,
)
from exhaust.cli.passwords import Password, PasswordStdin, new_password
from exhaust.reports.form import ReportForm
from exhaust.reports.formats import Format
from exhaust.reports.layout import Layout


@dataclass(frozen=True)
class FormOptions:
    format: FormatName = None
    headers: HeadersName = None
    columns: Columns = None
    additions: Additions = None
    split_by: SplitByName = None
    since: Since = None
    password: Password = False
    password_stdin: PasswordStdin = False
    layout: LayoutName = Layout.EXHAUST

    def form(self, output: str | None = None) -> ReportForm:
        """Returns the form; its format is that of the output's ending if none was given."""
        named = Format.of_name(output) if output else None
        return ReportForm(
            layout=self.layout,
            format=self.format or named or Format.CSV,
            headers=self.headers,
            columns=tuple(self.columns or ()),
            additions=tuple(self.additions or ()),
            split_by=self.split_by,
            since=self.since,
        )

    def new_password(self) -> str | None:
        """Asks for the password, or reads it. Returns None if no option wants one."""
        return new_password(self.password, self.password_stdin)
