from datetime import timedelta
from pathlib import Path

import pytest
from project_files import PROJECT
from support import PROJECT as CHECKOUT
from support import RecordingConsole

from exhaust.errors import UsageError
from exhaust.project import settings as module
from exhaust.project.settings import find_project, read_receipt_public_keys, read_settings
from exhaust.warehouse.duckdb import file_of


def test_the_example_profile_of_the_checkout_is_read(tmp_path: Path) -> None:
    environ = {"EXHAUST_DUCKDB_PATH": str(tmp_path / "x.duckdb"), "PGPORT": "5433"}
    duckdb = read_settings(CHECKOUT, environ=environ, use_example=True)
    assert duckdb.profile.engine == duckdb.profile.target == "duckdb"
    assert file_of(duckdb.profile) == tmp_path / "x.duckdb"
    assert (duckdb.profile.schema, duckdb.landing_schema) == ("main", "sunbird")
    assert duckdb.report_timezone.key == "Asia/Kolkata"
    postgres = read_settings(CHECKOUT, None, "postgres", environ=environ, use_example=True)
    assert (postgres.profile.engine, postgres.profile.schema) == ("postgres", "exhaust")
    assert postgres.profile.options["port"] == 5433
    spark = read_settings(CHECKOUT, None, "spark", environ=environ, use_example=True)
    assert (spark.profile.engine, spark.profile.project_dir) == ("spark", CHECKOUT)
    assert spark.profile.options["server_side_parameters"]["spark.driver.memory"] == "4g"


@pytest.mark.parametrize(
    ("variable", "is_required"),
    [("", False), ("false", False), ("true", True)],
)
def test_require_requester_is_read(project: Path, variable: str, is_required: bool) -> None:
    line = f"require_requester: {variable}, " if variable else ""
    (project / "dbt_project.yml").write_text(PROJECT.replace("vars: {", "vars: {" + line))
    assert read_settings(environ={}).require_requester is is_required


def test_a_flag_that_is_not_a_boolean_is_refused(project: Path) -> None:
    text = PROJECT.replace("vars: {", "vars: {require_requester: 'no', ")
    (project / "dbt_project.yml").write_text(text)
    with pytest.raises(UsageError, match="require_requester has to be true or false, not `no`"):
        read_settings(environ={})


class TestPublicKeys:
    @staticmethod
    def set_keys(project: Path, text: str) -> None:
        variable = f"vars: {{receipt_public_keys: {text}, "
        (project / "dbt_project.yml").write_text(PROJECT.replace("vars: {", variable))

    @pytest.mark.parametrize(
        ("text", "keys"),
        [("{}", {}), ("", {}), ("{'0123456789012345': MCow=}", {"0123456789012345": "MCow="})],
    )
    def test_they_are_read(self, project: Path, text: str, keys: dict[str, str]) -> None:
        self.set_keys(project, text)
        assert read_settings(environ={}).receipt_public_keys == keys
        assert read_receipt_public_keys(None, {}) == keys

    @pytest.mark.parametrize("text", ["S3cret", "[S3cret]", "{0123: S3cret}", "{'k': 5}"])
    def test_another_form_is_refused(self, project: Path, text: str) -> None:
        self.set_keys(project, text)
        for read in (
            lambda: read_settings(environ={}),
            lambda: read_receipt_public_keys(project, {}),
        ):
            with pytest.raises(UsageError, match="receipt_public_keys is not a map") as refused:
                read()
            assert "S3cret" not in str(refused.value)

    def test_they_need_no_profile(self, project: Path) -> None:
        self.set_keys(project, "{k: MCow=}")
        (project / "profiles.yml").write_text("{{ nonsense")
        assert read_receipt_public_keys(None, {}) == {"k": "MCow="}

    def test_there_are_none_outside_of_a_project(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(module, "IS_CHECKOUT", False)
        assert read_receipt_public_keys(None, {}) == {}
        (tmp_path / "dbt_project.yml").write_text("name: another\n")
        assert read_receipt_public_keys(None, {}) == {}

    def test_a_project_that_was_named_must_exist(self, tmp_path: Path) -> None:
        for folder, environ in ((tmp_path, {}), (None, {"EXHAUST_PROJECT_DIR": str(tmp_path)})):
            with pytest.raises(UsageError, match=r"has no dbt_project\.yml"):
                read_receipt_public_keys(folder, environ)

    def test_a_project_that_cannot_be_read_is_an_error(self, project: Path) -> None:
        (project / "dbt_project.yml").write_text("vars: [\n")
        with pytest.raises(UsageError, match="not valid YAML"):
            read_receipt_public_keys(None, {})


class TestProject:
    def test_the_nearest_parent_folder_is_found(self, project: Path) -> None:
        assert find_project(None, {}) == project

    def test_the_checkout_of_the_installation_is_found(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert find_project(None, {}) == CHECKOUT

    def test_no_project_is_an_error(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(module, "IS_CHECKOUT", False)
        with pytest.raises(UsageError, match=r"There is no dbt_project\.yml") as refused:
            find_project(None, {})
        assert "`exhaust init` makes a project" in (refused.value.hint or "")

    def test_the_option_takes_precedence_over_the_environment(self, project: Path) -> None:
        assert find_project(CHECKOUT, {"EXHAUST_PROJECT_DIR": "/nowhere"}) == CHECKOUT
        assert find_project(None, {"EXHAUST_PROJECT_DIR": str(CHECKOUT)}) == CHECKOUT

    def test_a_given_folder_must_be_a_project(self, project: Path, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=r"has no dbt_project\.yml"):
            find_project(tmp_path)

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("name: other\n", "is not a project of exhaust"),
            ("name: exhaust\nvars: nothing\n", "does not set the variables"),
            ("name: [\n", "not valid YAML"),
            ("- a\n", "not a mapping"),
            (
                PROJECT.replace("Asia/Kolkata", "Asia/Atlantis"),
                "the name of a time zone, not `Asia/Atlantis`",
            ),
            (PROJECT.replace("Asia/Kolkata", "../etc"), "the name of a time zone"),
        ],
    )
    def test_another_project_is_refused(self, project: Path, content: str, message: str) -> None:
        (project / "dbt_project.yml").write_text(content)
        with pytest.raises(UsageError, match=message):
            read_settings(environ={})


class TestRenamedVariables:
    OLD = "vars: {results_days: 7, most_batches: 3, "

    def test_an_old_name_works_with_a_warning(self, project: Path) -> None:
        console = RecordingConsole()
        (project / "dbt_project.yml").write_text(PROJECT.replace("vars: {", self.OLD))
        settings = read_settings(environ={}, console=console)
        assert settings.results_retention == timedelta(days=7)
        assert settings.max_batches_per_request == 3
        file = project / "dbt_project.yml"
        assert console.messages == [
            f"warning: {file}: the variable results_days is now called results_retention_days. "
            "Rename it.",
            f"warning: {file}: the variable most_batches is now called max_batches_per_request. "
            "Rename it.",
        ]

    def test_the_new_name_takes_precedence(self, project: Path) -> None:
        both = self.OLD + "results_retention_days: 9, "
        (project / "dbt_project.yml").write_text(PROJECT.replace("vars: {", both))
        assert read_settings(environ={}).results_retention == timedelta(days=9)
