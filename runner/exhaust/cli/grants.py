"""The command for roles of PostgreSQL."""

from typing import Annotated

import typer

from exhaust import api
from exhaust.cli.command import Options, command
from exhaust.text import counted, visible


@command
def grant(
    options: Options,
    kind: Annotated[str, typer.Argument(metavar="KIND", help="`reader`, `server` or `worker`.")],
    role: Annotated[str, typer.Argument(metavar="ROLE", help="An existing role of the database.")],
    user: Annotated[
        str | None,
        typer.Option("--user", metavar="USER", help="The user ID whose requests a reader makes."),
    ] = None,
) -> None:
    """Give a role of PostgreSQL the rights to export and to request reports.

    A reader is the login of one person, and sees only the requests of USER. A server, such as a
    page, may act for every user. A worker runs `exhaust process`. Run it as the role that builds.

    \b
    Examples:
      exhaust grant reader asha --user 911ce132-8344-52ec-b886-dd566ca43537
      exhaust grant worker exhaust_worker
    """
    granted = api.grant(options.project(), kind, role, user_id=user, console=options.display)
    options.answer.give_all(granted)
    of = f" of the user {visible(granted.user_id)}" if granted.user_id else ""
    options.display.say(
        f"{visible(granted.role)} is a {granted.kind}{of}: {counted(len(granted.rights), 'right')}."
    )
