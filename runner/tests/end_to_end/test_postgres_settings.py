"""dbt as a role whose sessions read backslashes in literals."""

from datetime import date
from pathlib import Path

from postgres_roles import new_role
from support import GOLDEN, NO_MESSAGES, SCENARIOS, export_all, load_extract

from exhaust.pipeline.dbt import run_dbt
from exhaust.project.settings import Settings

OTHER_SETTINGS = """
grant create on database {database} to {role};
alter role {role} set standard_conforming_strings = off;
alter role {role} set search_path = nowhere;
alter role {role} set bytea_output = 'escape'
"""


def test_a_build_does_not_depend_on_the_settings_of_its_role(
    settings_postgres: Settings, tmp_path: Path
) -> None:
    with new_role(settings_postgres, OTHER_SETTINGS) as settings:
        load_extract(settings, SCENARIOS["hostile"])

        results = run_dbt(settings, ["build"], NO_MESSAGES)

        assert [one for one in results if one.status in ("error", "fail", "skipped")] == []
        export_all(settings, tmp_path, day=date(2024, 7, 1))
    written = {
        file.name.partition("_progress_")[0]: file.read_bytes() for file in tmp_path.glob("*.csv")
    }
    assert written == {file.stem: file.read_bytes() for file in (GOLDEN / "hostile").iterdir()}
