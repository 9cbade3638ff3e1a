"""Whose raw tables are in a landing schema: those of the target that loaded them."""

from exhaust.errors import UsageError
from exhaust.project.settings import Settings
from exhaust.warehouse import Warehouse

OWNER = "owner"
"""The column of `loads` with the schema of the marts of the target that a load was for."""


def check_load(warehouse: Warehouse, settings: Settings) -> None:
    """Raises UsageError if a load would replace the raw tables of another target."""
    _check(warehouse, settings, "Loading there would replace them.")


def check_build(warehouse: Warehouse, settings: Settings) -> None:
    """Raises UsageError if a build would publish another target's data, or the sample in place of
    what was loaded.

    A project that names the landing schema of the target means it: two targets may build from one.
    """
    if settings.variables.values.get("sample"):
        raise UsageError(
            f"The target {settings.profile.target} has loaded data in the schema "
            f"{settings.landing_schema}. The sample would replace its marts.",
            "Leave out the variable `sample`, or give another target.",
        )
    if not settings.has_own_landing_schema:
        _check(warehouse, settings, "Building from them would publish them as this target's.")


def _check(warehouse: Warehouse, settings: Settings, danger: str) -> None:
    schema, target = settings.landing_schema, settings.profile.target
    owner = _owner(warehouse, schema)
    if owner not in (None, settings.profile.schema):
        raise UsageError(
            f"The raw tables in the schema {schema} of {warehouse.name} were loaded for the target "
            f"with the schema {owner}, not for {target} with the schema "
            f"{settings.profile.schema}. {danger}",
            f"Give {target} a landing schema of its own: under `vars:` in "
            f"{settings.project_dir / 'dbt_project.yml'}, write\n"
            f"  landing_schemas:\n    {target}: {schema}_{target}",
        )


def _owner(warehouse: Warehouse, schema: str) -> str | None:
    """Returns the schema of the marts of the newest load's target; None if it is not known."""
    if "loads" not in warehouse.tables(schema) or OWNER not in warehouse.columns(schema, "loads"):
        return None
    rows = warehouse.query(
        f"select {OWNER} from {warehouse.relation(schema, 'loads')} order by loaded_at desc limit 1"
    )
    return rows[0][0] if rows else None
