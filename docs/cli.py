"""Prints docs/cli.md, made from the help of the commands."""

import re

import typer
from typer.cli import get_docs_for_click

from exhaust.cli.app import app

EXAMPLES = re.compile(r"\n\n[\b\n]*(Examples?):\n((?:  .+\n)+)")
"""What a `\b` block becomes, which Markdown would fold into one line."""


def main() -> None:
    command = typer.main.get_command(app)
    with typer.Context(command, info_name="exhaust", **command.context_settings) as context:
        page = get_docs_for_click(
            obj=command,
            ctx=context,  # type: ignore[arg-type]  # Typer's annotation names another Context.
            name="exhaust",
            title="The command",
        )
    print(EXAMPLES.sub(_as_code, page.strip()))


def _as_code(match: re.Match[str]) -> str:
    lines = "\n".join(f"$ {line.strip()}" for line in match[2].splitlines())
    return f"\n\n**{match[1]}**:\n\n```console\n{lines}\n```\n"


if __name__ == "__main__":
    main()
