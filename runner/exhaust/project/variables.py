"""The variables of dbt_project.yml, checked before anything runs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from exhaust.console import SILENCE, Console
from exhaust.errors import UsageError
from exhaust.project.package import NAME

Value = TypeVar("Value", bool, int, str)

IDENTITIES = ("laptop", "login", "proxy", "token")
"""How `exhaust serve` knows who is asking."""

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


def _is_line(value: object) -> bool:
    return isinstance(value, str)


def _is_identity(value: object) -> bool:
    return value in IDENTITIES


def _is_url(value: object) -> bool:
    """Returns whether a value is an address, or empty."""
    if not isinstance(value, str):
        return False
    parts = urlsplit(value)
    return not value or (parts.scheme in ("http", "https") and bool(parts.hostname))


def _is_origin(value: object) -> bool:
    """Returns whether a value is an address of just a host and a port, or empty."""
    if not _is_url(value):
        return False
    parts = urlsplit(str(value))
    rest = parts._replace(scheme="", netloc="").geturl()
    return rest in ("", "/") and parts.username is None


def _are_networks(value: object) -> bool:
    try:
        return isinstance(value, list) and all(map(ip_network, value))
    except ValueError:
        return False


def _is_port(value: object) -> bool:
    return type(value) is int and 0 <= value < 1 << 16


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
    "web_identity": ("laptop, login, proxy or token", _is_identity, "login"),
    "web_public_url": ("an address without a path", _is_origin, "https://reports.example.org"),
    "web_operators": ("a list of user IDs", _is_list, "[90e616e7-8a79-52d7-99e9-3aaf5457b015]"),
    "web_metrics_port": ("a port, or 0 for none", _is_port, "9108"),
    "oidc_issuer": ("an address", _is_url, "https://example.org/auth/realms/sunbird"),
    "oidc_client_id": ("a text", _is_line, "exhaust"),
    "oidc_user_claim": ("the name of a claim", _is_line, "sub"),
    "trusted_proxies": ("a list of addresses or networks", _are_networks, "[10.0.0.0/8]"),
    "proxy_user_header": ("the name of a header", _is_text, "X-Exhaust-User"),
    "token_issuer": ("an address", _is_url, "https://example.org/auth/realms/sunbird"),
    "token_jwks_url": (
        "an address",
        _is_url,
        "https://example.org/auth/realms/sunbird/protocol/openid-connect/certs",
    ),
    "token_keys_dir": ("a folder", _is_line, "/etc/exhaust/keys"),
    "token_clients": ("a list of clients", _is_list, "[portal]"),
    "portal_upstream": ("an address", _is_url, "http://analytics-service:9000/"),
    "max_requests_under_way": ("a whole number from 1", _is_number, "20"),
    "download_log_days": ("a whole number from 1", _is_number, "365"),
    "assessment_content_types": ("a list of texts", _is_list, "[SelfAssess]"),
    "assessment_object_types": ("a list of texts", _is_list, "[QuestionSet]"),
    "assessment_primary_categories": ("a list of texts", _is_list, "[Practice Question Set]"),
}
"""What each variable has to be, how that is checked, and an example."""
