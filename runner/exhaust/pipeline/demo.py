"""The project of `exhaust demo`: the package itself, with a DuckDB file of its own."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from exhaust.errors import UsageError
from exhaust.project.package import OWN_PACKAGE
from exhaust.project.settings import Settings, find_project_if_any, read_settings
from exhaust.warehouse import class_of


def demo_settings(
    project_dir: Path | None, target: str | None, environ: Mapping[str, str] = os.environ
) -> Settings:
    """Returns the package of this command as a project, with `demo.duckdb` as the warehouse.

    That file is in the folder of the project, or in the current folder if there is none. Raises
    UsageError if the target is not a single file.
    """
    work_dir = find_project_if_any(project_dir, environ) or Path.cwd()
    settings = read_settings(
        OWN_PACKAGE,
        target=target or "duckdb",
        environ={**environ, "EXHAUST_DUCKDB_PATH": str(work_dir / "demo.duckdb")},
        use_example=True,
        work_dir=work_dir,
    )
    if not class_of(settings.profile).is_a_file:
        raise UsageError(
            f"demo works with DuckDB only; `{target}` is of type {settings.profile.engine}.",
            "Leave out --target.",
        )
    return replace(settings, require_requester=False)
