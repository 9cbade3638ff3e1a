"""The variables of dbt_project.yml: their types and values, by target, and what messages name."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from project_files import PROJECT, profiles
from support import PROJECT as CHECKOUT

from exhaust.errors import UsageError
from exhaust.project.settings import Settings, read_settings
from exhaust.project.variables import FORMS, OF_TARGETS, read_variables

FILE = Path("dbt_project.yml")
NEEDED = {"landing_schema": "raw", "report_timezone": "Asia/Kolkata"}

GOOD = [
    ("landing_schema", "sunbird"),
    ("landing_schema", "with space"),
    ("report_timezone", "UTC"),
    ("report_timezone", "America/Argentina/Buenos_Aires"),
    ("require_requester", True),
    ("record_builds", True),
    ("exhaust_unit_tests", True),
    ("require_requester", False),
    ("reader_row_security", True),
    ("results_dir", "../results"),
    ("worker_key_file", "/etc/exhaust/worker.key"),
    ("results_retention_days", 1),
    ("max_batches_per_request", 1000),
    ("lock_timeout_minutes", 60),
    ("web_identity", "login"),
    ("web_identity", "token"),
    ("token_issuer", "https://example.org/auth/realms/sunbird"),
    ("token_jwks_url", "https://example.org/auth/realms/sunbird/protocol/openid-connect/certs"),
    ("token_keys_dir", "/etc/exhaust/keys"),
    ("token_clients", ["portal"]),
    ("portal_upstream", "http://analytics-service:9000/"),
    ("web_public_url", ""),
    ("web_public_url", "https://reports.example.org:8443"),
    ("web_operators", []),
    ("web_operators", ["u1"]),
    ("web_metrics_port", 0),
    ("web_metrics_port", 65535),
    ("oidc_issuer", "https://example.org/auth/realms/sunbird"),
    ("oidc_client_id", "exhaust"),
    ("oidc_user_claim", ""),
    ("trusted_proxies", ["10.0.0.0/8", "::1"]),
    ("proxy_user_header", "X-User"),
    ("max_requests_under_way", 1),
    ("download_log_days", 1),
    ("assessment_content_types", []),
    ("assessment_object_types", ["a", "b"]),
    ("assessment_primary_categories", ["Practice Question Set"]),
]
NOT_TEXT = ["", " ", None, 7, True, ["a"], {"a": "b"}]
NOT_A_NUMBER = [0, -1, 1.5, "1", True, None, [1]]
NOT_A_LIST = ["SelfAssess", None, 7, {"a": 1}, [7], [""], [None], [["a"]]]
BAD = [
    *(("web_identity", value) for value in ["", "sso", None, 7]),
    *(
        (name, value)
        for name in ("token_issuer", "token_jwks_url", "portal_upstream")
        for value in ["example.org", "file:///etc", None, 7]
    ),
    *(("token_keys_dir", value) for value in [None, 7, ["a"]]),
    *(("token_clients", value) for value in NOT_A_LIST),
    *(("web_public_url", value) for value in ["reports", "ftp://a", "https://a/b", "https:", None]),
    *(("web_public_url", value) for value in ["https://u@a", "https://a?b", "https://a#b"]),
    *(("web_operators", value) for value in NOT_A_LIST),
    *(("web_metrics_port", value) for value in [-1, 65536, "1", True, None]),
    *(("oidc_issuer", value) for value in ["example.org", "file:///etc", None, 7]),
    *(
        (name, value)
        for name in ("oidc_client_id", "oidc_user_claim")
        for value in [None, 7, ["a"]]
    ),
    *(("trusted_proxies", value) for value in ["10.0.0.0/8", None, ["a"], ["10.0.0.1/8"]]),
    *(("proxy_user_header", value) for value in NOT_TEXT),
    *(("max_requests_under_way", value) for value in NOT_A_NUMBER),
    *(("download_log_days", value) for value in NOT_A_NUMBER),
    *(("landing_schema", value) for value in NOT_TEXT),
    *(("report_timezone", value) for value in [*NOT_TEXT, "IST", "asia/../kolkata", "/etc/passwd"]),
    *(("results_dir", value) for value in NOT_TEXT),
    *(("worker_key_file", value) for value in NOT_TEXT),
    *(
        (name, value)
        for name in (
            *("require_requester", "record_builds", "exhaust_unit_tests"),
            "reader_row_security",
        )
        for value in ["true", "no", 1, 0, None, []]
    ),
    *(("results_retention_days", value) for value in NOT_A_NUMBER),
    *(("max_batches_per_request", value) for value in NOT_A_NUMBER),
    *(("lock_timeout_minutes", value) for value in NOT_A_NUMBER),
    *(("assessment_content_types", value) for value in NOT_A_LIST),
    *(("assessment_object_types", value) for value in NOT_A_LIST),
    *(("assessment_primary_categories", value) for value in NOT_A_LIST),
]


def read(values: Mapping[str, Any], target: str = "ap") -> Any:
    return read_variables({"vars": {**NEEDED, **values}}, FILE, target)


def write(project: Path, values: Mapping[str, Any]) -> None:
    """Writes a project with these variables and the targets `ap` and `tn`."""
    config = {"name": "exhaust", "profile": "exhaust", "vars": {**NEEDED, **values}}
    (project / "dbt_project.yml").write_text(yaml.safe_dump(config), "utf-8")
    (project / "profiles.yml").write_text(
        profiles("{type: duckdb, path: a}", target="ap")
        + "    ap: {type: duckdb, path: a}\n    tn: {type: duckdb, path: b}\n"
    )


def settings_of(target: str) -> Settings:
    return read_settings(None, None, target, environ={})


def test_every_variable_that_is_checked_has_cases() -> None:
    assert {name for name, _ in GOOD} == {name for name, _ in BAD} == set(FORMS)
    declared = yaml.safe_load((CHECKOUT / "dbt_project.yml").read_text("utf-8"))["vars"]
    others = {"receipt_public_keys", *OF_TARGETS.values()}
    assert set(FORMS) == declared.keys() - others


@pytest.mark.parametrize(("name", "value"), GOOD)
def test_a_value_that_fits_is_read(name: str, value: Any) -> None:
    other: Any = [] if isinstance(value, list) else type(value)()
    assert read({name: value}).get(name, other) == value


@pytest.mark.parametrize(("name", "value"), BAD)
def test_a_value_that_does_not_fit_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(UsageError) as raised:
        read({name: value})
    form, _, example = FORMS[name]
    assert raised.value.message == f"{FILE}: {name} has to be {form}, not `{value}`."
    assert raised.value.hint == f"For example: {name}: {example}"
    assert raised.value.exit_code == 2


class TestTargets:
    @pytest.mark.parametrize("name", OF_TARGETS)
    def test_a_value_of_the_target_comes_before_that_of_all(self, name: str) -> None:
        of_all, of_ap = [value for one, value in GOOD if one == name][:1] * 2
        if name == "require_requester":
            of_all, of_ap = False, True
        elif name != "report_timezone":
            of_ap = "of-ap"
        else:
            of_all, of_ap = "Asia/Kolkata", "UTC"
        values = {name: of_all, OF_TARGETS[name]: {"ap": of_ap}}
        kind: Any = type(of_all)()
        assert read(values, "ap").get(name, kind) == of_ap
        assert read(values, "tn").get(name, kind) == of_all
        assert read(values, "ap").is_of_target(name)
        assert not read(values, "tn").is_of_target(name)

    @pytest.mark.parametrize("name", OF_TARGETS)
    @pytest.mark.parametrize("value", ["x", ["ap"], 7, True])
    def test_it_has_to_be_a_map(self, name: str, value: Any) -> None:
        plural = OF_TARGETS[name]
        with pytest.raises(UsageError, match=f"{plural} has to be a map from targets to values"):
            read({plural: value})

    @pytest.mark.parametrize(("name", "value"), [one for one in BAD if one[0] in OF_TARGETS])
    def test_each_value_is_checked_even_of_other_targets(self, name: str, value: Any) -> None:
        plural = OF_TARGETS[name]
        with pytest.raises(UsageError) as raised:
            read({plural: {"tn": value}}, "ap")
        assert f"{FILE}: {plural}.tn has to be {FORMS[name][0]}" in raised.value.message

    def test_settings_are_those_of_the_target(self, project: Path) -> None:
        write(
            project,
            {
                "landing_schemas": {"tn": "raw_tn"},
                "report_timezones": {"tn": "UTC"},
                "results_dirs": {"tn": "of-tn"},
                "require_requesters": {"tn": True},
                "results_dir": "files",
            },
        )
        ap, tn = settings_of("ap"), settings_of("tn")
        assert (ap.landing_schema, tn.landing_schema) == ("raw", "raw_tn")
        assert (ap.report_timezone.key, tn.report_timezone.key) == ("Asia/Kolkata", "UTC")
        assert (ap.require_requester, tn.require_requester) == (False, True)
        assert (ap.has_own_landing_schema, tn.has_own_landing_schema) == (False, True)
        assert (ap.results_dir, tn.results_dir) == (project / "files" / "ap", project / "of-tn")
        # Files of earlier versions are only where targets shared a folder.
        assert (ap.shared_results_dir, tn.shared_results_dir) == (project / "files", None)


class TestOfThePackage:
    """dbt reads variables under the project's name too, and prefers them."""

    def test_they_are_read(self, project: Path) -> None:
        (project / "dbt_project.yml").write_text(
            "name: exhaust\nprofile: exhaust\nvars: {exhaust: {landing_schema: raw, "
            "report_timezone: UTC, results_retention_days: 3}}\n"
        )
        settings = read_settings(environ={})
        assert (settings.landing_schema, settings.report_timezone.key) == ("raw", "UTC")
        assert settings.results_retention == timedelta(days=3)

    def test_they_come_before_those_of_all_packages(self) -> None:
        variables = read({"exhaust": {"landing_schema": "own"}})
        assert variables.get("landing_schema", "") == "own"
        assert variables.get("report_timezone", "") == "Asia/Kolkata"

    def test_they_are_checked(self) -> None:
        with pytest.raises(UsageError, match="require_requester has to be true or false"):
            read({"exhaust": {"require_requester": "no"}})


class TestOfABuild:
    """`exhaust build -- --vars` comes before the project, as for dbt."""

    def test_they_come_first(self, project: Path) -> None:
        write(project, {})
        changed = settings_of("ap").with_variables(
            {"landing_schema": "other", "report_timezone": "UTC", "of_mine": object()}
        )
        assert (changed.landing_schema, changed.report_timezone.key) == ("other", "UTC")
        same = settings_of("ap").with_variables({})
        assert (same.landing_schema, same.report_timezone.key) == ("raw", "Asia/Kolkata")

    def test_a_map_of_targets_still_comes_before_them(self, project: Path) -> None:
        """As in the macros: `landing_schemas` before `landing_schema`, wherever they are set."""
        write(project, {"landing_schemas": {"tn": "raw_tn"}})
        values = {"landing_schema": "other"}
        assert settings_of("tn").with_variables(values).landing_schema == "raw_tn"
        assert settings_of("ap").with_variables(values).landing_schema == "other"
        replaced = settings_of("tn").with_variables({"landing_schemas": {"ap": "x"}, **values})
        assert replaced.landing_schema == "other"
        assert not replaced.has_own_landing_schema

    def test_they_are_checked(self, project: Path) -> None:
        write(project, {})
        for values, name in (
            ({"report_timezone": "IST"}, "report_timezone"),
            ({"report_timezones": {"tn": "IST"}}, r"report_timezones\.tn"),
            ({"assessment_content_types": "a"}, "assessment_content_types"),
        ):
            with pytest.raises(UsageError, match=f"^--vars: {name} has to be"):
                settings_of("ap").with_variables(values)


def test_what_is_not_a_variable_of_the_project_is_ignored(project: Path) -> None:
    write(project, {"of_mine": 7, "another_package": {"landing_schema": 7}})
    assert settings_of("ap").landing_schema == "raw"


@pytest.mark.parametrize("name", ["landing_schema", "report_timezone"])
def test_a_project_without_them_is_another(project: Path, name: str) -> None:
    (project / "dbt_project.yml").write_text(PROJECT.replace(name, "another"))
    with pytest.raises(UsageError, match="this is not a project of exhaust"):
        read_settings(environ={})
