"""The variables of dbt_project.yml, checked before anything runs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from exhaust.console import SILENCE, Console
from exhaust.errors import UsageError
from exhaust.project.package import NAME

Value = TypeVar("Value", bool, int, str)

RENAMED = {
    "results_retention_days": "results_days",
    "max_batches_per_request": "most_batches",
}
"""Variables and their earlier names, which are read with a warning."""

OF_TARGETS = {
    "landing_schema": "landing_schemas",
    "report_timezone": "report_timezones",
    "results_dir": "results_dirs",
    "require_requester": "require_requesters",
}
"""Variables, each with the variable that names others for some targets."""


@dataclass(frozen=True)
class Variables:
    """The variables of a project, as given for one target."""

    values: Mapping[str, Any] = field(default_factory=dict)
    source: str = "--vars"
    """What messages call the place where they are set."""
    target: str = ""

    def get(self, name: str, default: Value) -> Value:
        """Returns the variable of the target, which has the type of `default`."""
        of_targets = self.values.get(OF_TARGETS.get(name, ""), {})
        value: Value = of_targets.get(self.target, self.values.get(name, default))
        return value

    def is_of_target(self, name: str) -> bool:
        """Returns whether the target has a value of its own."""
        return self.target in self.values.get(OF_TARGETS[name], {})

    def overridden(self, values: Mapping[str, Any]) -> "Variables":
        """Returns the variables with others that were given to dbt as `--vars`.

        Raises UsageError that names the variable if one has the wrong type or value.
        """
        _check(values, "--vars")
        return replace(self, values={**self.values, **values})


def set_in(config: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the variables that a dbt_project.yml sets for the package; `config` is its content.

    Those under the package's name take precedence, as for dbt.
    """
    values = config.get("vars")
    values = values if isinstance(values, dict) else {}
    own = values.get(NAME)
    return {**values, **own} if isinstance(own, dict) else values


def read_variables(
    config: Mapping[str, Any],
    file: Path,
    target: str,
    defaults: Mapping[str, Any] = MappingProxyType({}),
    console: Console = SILENCE,
) -> Variables:
    """Returns the variables of dbt_project.yml, whose content is `config`.

    `defaults` are those of the package, for a project that only uses it. Raises UsageError that
    names the variable if one has the wrong type or value.
    """
    values = set_in(config)
    for new, old in RENAMED.items():
        if old in values:
            console.say(f"warning: {file}: the variable {old} is now called {new}. Rename it.")
            values = {new: values[old], **values}
    values = {**defaults, **values}
    if not values.keys() >= {"landing_schema", "report_timezone"}:
        raise UsageError(
            f"{file} does not set the variables landing_schema and report_timezone: "
            "this is not a project of exhaust.",
            "Give the folder of the project with --project-dir.",
        )
    _check(values, str(file))
    return Variables(values, str(file), target)


def public_keys(values: Mapping[str, Any], source: str) -> dict[str, str]:
    """Returns the variable receipt_public_keys, public keys by their IDs. Raises UsageError."""
    keys = values.get("receipt_public_keys") or {}
    if not isinstance(keys, dict) or {type(text) for pair in keys.items() for text in pair} - {str}:
        # Not quoted: somebody may have listed a private key.
        raise UsageError(
            f"{source}: receipt_public_keys is not a mapping of key IDs to public keys.",
            "Put both in quotes: an ID may look like a number.",
        )
    return keys


def _check(values: Mapping[str, Any], source: str) -> None:
    for name, value in values.items():
        for base, plural in OF_TARGETS.items():
            if name == plural:
                _check_map(source, name, base, value)
        if name in FORMS:
            _check_one(source, name, name, value)


def _check_map(source: str, name: str, base: str, value: object) -> None:
    if not isinstance(value, dict):
        raise UsageError(
            f"{source}: {name} has to be a map from targets to values, not `{value}`.",
            f"For example: {name}: {{TARGET: …}}",
        )
    for target, item in value.items():
        _check_one(source, f"{name}.{target}", base, item)


def _check_one(source: str, name: str, base: str, value: object) -> None:
    form, is_valid, example = FORMS[base]
    if not is_valid(value):
        raise UsageError(
            f"{source}: {name} has to be {form}, not `{value}`.", f"For example: {base}: {example}"
        )


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value.strip() != ""


def _is_bool(value: object) -> bool:
    return isinstance(value, bool)


def _is_number(value: object) -> bool:
    return type(value) is int and value > 0


def _is_list(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _is_zone(value: object) -> bool:
    try:
        return bool(isinstance(value, str) and ZoneInfo(value))
    except (OSError, ValueError, KeyError):
        return False


FORMS: Mapping[str, tuple[str, Callable[[object], bool], str]] = {
    "landing_schema": ("the name of a schema", _is_text, "sunbird"),
    "report_timezone": ("the name of a time zone", _is_zone, "Asia/Kolkata"),
    "require_requester": ("true or false", _is_bool, "true"),
    "record_builds": ("true or false", _is_bool, "true"),
    "exhaust_unit_tests": ("true or false", _is_bool, "true"),
    "reader_row_security": ("true or false", _is_bool, "true"),
    "results_dir": ("a folder", _is_text, "results"),
    "worker_key_file": ("a file", _is_text, "/etc/exhaust/worker.key"),
    "results_retention_days": ("a whole number from 1", _is_number, "30"),
    "max_batches_per_request": ("a whole number from 1", _is_number, "20"),
    "lock_timeout_minutes": ("a whole number from 1", _is_number, "10"),
    "assessment_content_types": ("a list of texts", _is_list, "[SelfAssess]"),
    "assessment_object_types": ("a list of texts", _is_list, "[QuestionSet]"),
    "assessment_primary_categories": ("a list of texts", _is_list, "[Practice Question Set]"),
}
"""What each variable has to be, how that is checked, and an example."""
