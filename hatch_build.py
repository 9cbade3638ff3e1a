"""Puts the dbt project into the wheel, as exhaust/dbt_project."""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

DBT_PROJECT = ("dbt_project.yml", "profiles.example.yml", "macros", "models", "seeds", "tests")


class DbtProject(BuildHookInterface):  # type: ignore[type-arg]
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        # An editable installation uses the checkout itself: a copy would become outdated.
        if version == "standard":
            for name in DBT_PROJECT:
                build_data["force_include"][name] = f"exhaust/dbt_project/{name}"
