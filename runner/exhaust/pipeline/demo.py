"""The project of `exhaust demo`: the example profile, with a DuckDB file of its own."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from exhaust.errors import UsageError
from exhaust.project.settings import Settings, find_project, read_settings
from exhaust.warehouse import class_of


def demo_settings(
    project_dir: Path | None, target: str | None, environ: Mapping[str, str] = os.environ
) -> Settings:
    """Returns the project with `demo.duckdb` in its folder as the warehouse.

    Raises UsageError if the target is not a single file.
    """
    project = find_project(project_dir, environ)
    settings = read_settings(
        project,
        target=target or "duckdb",
        environ={**environ, "EXHAUST_DUCKDB_PATH": str(project / "demo.duckdb")},
        use_example=True,
    )
    if not class_of(settings.profile).is_a_file:
        raise UsageError(
            f"demo works with DuckDB only; `{target}` is of type {settings.profile.engine}.",
            "Leave out --target.",
        )
    return replace(settings, require_requester=False)
