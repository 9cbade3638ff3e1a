from datetime import timedelta
from pathlib import Path

import pytest
from support import RecordingConsole

from exhaust.errors import UsageError
from exhaust.project import settings as module
from exhaust.project.settings import find_project, read_settings
from exhaust.warehouse import connect
from exhaust.warehouse.duckdb import file_of

CHECKOUT = Path(__file__).resolve().parents[2]
PROJECT = """
name: exhaust
profile: exhaust
vars: {landing_schema: raw, report_timezone: Asia/Kolkata}
"""
EXAMPLE = """
exhaust:
  target: duckdb
  outputs:
    duckdb: {type: duckdb, path: "{{ env_var('EXHAUST_DUCKDB_PATH', 'example.duckdb') }}"}
"""


def profiles(output: str, target: str = "one") -> str:
    return f"exhaust:\n  target: {target}\n  outputs:\n    one: {output}\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    return home


@pytest.fixture
def project(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project, and the current folder in it."""
    project = tmp_path / "project"
    (project / "deep" / "er").mkdir(parents=True)
    (project / "dbt_project.yml").write_text(PROJECT)
    (project / "profiles.example.yml").write_text(EXAMPLE)
    monkeypatch.chdir(project / "deep" / "er")
    return project


def test_the_checkouts_own_example(tmp_path: Path) -> None:
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
def test_whether_everybody_has_to_say_who_asks(
    project: Path, variable: str, is_required: bool
) -> None:
    line = f"require_requester: {variable}, " if variable else ""
    (project / "dbt_project.yml").write_text(PROJECT.replace("vars: {", "vars: {" + line))
    assert read_settings(environ={}).require_requester is is_required


def test_a_flag_that_is_none(project: Path) -> None:
    text = PROJECT.replace("vars: {", "vars: {require_requester: 'no', ")
    (project / "dbt_project.yml").write_text(text)
    with pytest.raises(UsageError, match="require_requester has to be like `False`, not `no`"):
        read_settings(environ={})


class TestProject:
    def test_the_nearest_parent(self, project: Path) -> None:
        assert find_project(None, {}) == project

    def test_the_checkout_it_was_installed_from(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert find_project(None, {}) == CHECKOUT

    def test_none(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(module, "__file__", str(tmp_path / "exhaust" / "settings.py"))
        with pytest.raises(UsageError, match=r"There is no dbt_project\.yml"):
            find_project(None, {})

    def test_the_flag_comes_before_the_environment(self, project: Path) -> None:
        assert find_project(CHECKOUT, {"EXHAUST_PROJECT_DIR": "/nowhere"}) == CHECKOUT
        assert find_project(None, {"EXHAUST_PROJECT_DIR": str(CHECKOUT)}) == CHECKOUT

    def test_given_and_none(self, project: Path, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=r"has no dbt_project\.yml"):
            find_project(tmp_path)

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            ("name: other\n", "does not set the variables"),
            ("name: exhaust\nvars: nothing\n", "does not set the variables"),
            ("name: [\n", "not valid YAML"),
            ("- a\n", "not a mapping"),
            (
                PROJECT.replace("Asia/Kolkata", "Asia/Atlantis"),
                "`Asia/Atlantis` is not a time zone",
            ),
            (PROJECT.replace("Asia/Kolkata", "../etc"), "not a time zone"),
        ],
    )
    def test_one_that_is_not_ours(self, project: Path, content: str, said: str) -> None:
        (project / "dbt_project.yml").write_text(content)
        with pytest.raises(UsageError, match=said):
            read_settings(environ={})


class TestProfiles:
    def test_without_any_the_example_is_used(self, project: Path) -> None:
        settings = read_settings(environ={})
        assert settings.uses_example
        assert settings.profile.target == "duckdb"

    def test_where_they_are_looked_for(self, project: Path, home: Path) -> None:
        """From the last place to the first: each goes before the one added before it."""
        environ: dict[str, str] = {}
        folders = [home / ".dbt", project, Path.cwd()]
        for name in ("DBT_PROFILES_DIR", "EXHAUST_PROFILES_DIR", "flag"):
            folders.append(project / name)
        for place, folder in enumerate(folders):
            folder.mkdir(exist_ok=True)
            (folder / "profiles.yml").write_text(profiles(f"{{type: duckdb, path: {place}.db}}"))
            if folder.name.endswith("PROFILES_DIR"):
                environ[folder.name] = str(folder)
            flag = folder if folder.name == "flag" else None
            settings = read_settings(None, flag, environ=environ)
            assert settings.profiles_dir == folder
            assert file_of(settings.profile) == project / f"{place}.db"
            assert not settings.uses_example

    def test_a_file_without_our_profile_gives_way(self, project: Path) -> None:
        (project / "profiles.yml").write_text("other: {}\n")
        assert read_settings(environ={}).uses_example

    @pytest.mark.parametrize("content", [None, "other: {}\n", ""])
    def test_a_given_folder_has_to_hold_it(self, project: Path, content: str | None) -> None:
        if content is not None:
            (project / "deep" / "profiles.yml").write_text(content)
        with pytest.raises(UsageError, match=r"has no profile"):
            read_settings(None, project / "deep", environ={})
        with pytest.raises(UsageError, match=r"has no profile"):
            read_settings(environ={"EXHAUST_PROFILES_DIR": str(project / "deep")})
        assert read_settings(environ={"DBT_PROFILES_DIR": str(project / "deep")}).uses_example

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            ("exhaust: hunter2\n", "has no outputs"),
            ("exhaust: {outputs: hunter2}\n", "has no outputs"),
            ("exhaust: [hunter2\n", "line 2: this is not valid YAML"),
            ("exhaust: {target: a, password: 'hunter2\n", "not valid YAML"),
            (profiles("{type: duckdb, path: x}", target="none"), "no target `none`"),
            (profiles("{type: oracle, password: hunter2}"), "of type `oracle`"),
            (profiles("hunter2"), "of type `None`"),
            (profiles("{type: postgres, password: hunter2}"), "`schema` is missing"),
            (
                profiles('{type: duckdb, path: "{{ hunter2 }}"}'),
                "one.path: this is not valid Jinja",
            ),
            (profiles('{type: duckdb, path: "{{ hunter2"}'), "not valid Jinja"),
            (profiles("{type: duckdb, path: \"{{ env_var('HUNTER') }}\"}"), "HUNTER is not set"),
            (
                profiles("{type: duckdb, path: x, threads: \"{{ 'hunter2' | as_number }}\"}"),
                "number",
            ),
            (profiles("{type: duckdb, path: x, threads: \"{{ 'True' | as_number }}\"}"), "number"),
            (profiles("{type: duckdb, path: x, threads: \"{{ '1' | as_bool }}\"}"), "bool"),
        ],
    )
    def test_what_is_wrong_is_said_without_a_value(
        self, project: Path, content: str, said: str
    ) -> None:
        (project / "profiles.yml").write_text(content)
        with pytest.raises(UsageError, match=said) as raised:
            read_settings(environ={})
        assert "hunter2" not in f"{raised.value.message} {raised.value.hint}"

    def test_not_utf_8(self, project: Path) -> None:
        (project / "profiles.yml").write_bytes(b"exhaust: \xff")
        with pytest.raises(UsageError, match="not UTF-8"):
            read_settings(environ={})

    def test_only_the_chosen_output_is_rendered(self, project: Path) -> None:
        (project / "profiles.yml").write_text(
            profiles("{type: duckdb, path: a.db}")
            + "    two: {type: \"{{ env_var('NOT_SET') }}\"}\n"
        )
        assert read_settings(environ={}).profile.target == "one"

    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("{{ env_var('N') }}", "5432"),
            ("{{ env_var('N') | as_number }}", 5432),
            ("{{ env_var('MISSING', '1.5') | as_number }}", 1.5),
            ("{{ 'False' | as_bool }}", False),
            ("{{ env_var('N') | as_text }}", "5432"),
            ("{{ '[1]' | as_native }}", [1]),
            ("{{ 'text' | as_native }}", "text"),
            ("a{{ env_var('N') }}b", "a5432b"),
        ],
    )
    def test_texts_are_rendered_as_dbt_does(self, project: Path, text: str, value: object) -> None:
        (project / "profiles.yml").write_text(
            profiles(f'{{type: duckdb, path: x, settings: {{deep: ["{text}"]}}}}')
        )
        options = read_settings(environ={"N": "5432"}).profile.options
        assert options["settings"]["deep"] == [value]
        assert type(options["settings"]["deep"][0]) is type(value)

    def test_a_password_may_look_like_jinja(self, project: Path) -> None:
        (project / "profiles.yml").write_text(
            profiles('{type: postgres, schema: s, password: "{{x{%"}')
        )
        profile = read_settings(environ={}).profile
        assert profile.options["password"] == "{{x{%"
        assert "{{x{%" not in repr(read_settings(environ={}))

    def test_the_target_and_its_order(self, project: Path) -> None:
        (project / "profiles.yml").write_text(
            profiles("{type: duckdb, path: a}", target="\"{{ env_var('T', 'one') }}\"")
            + "    two: {type: duckdb, path: b}\n    default: {type: duckdb, path: c}\n"
        )
        assert read_settings(environ={}).profile.target == "one"
        assert read_settings(environ={"T": "two"}).profile.target == "two"
        environ = {"EXHAUST_TARGET": "two"}
        assert read_settings(environ=environ).profile.target == "two"
        assert read_settings(None, None, "default", environ=environ).profile.target == "default"
        with pytest.raises(UsageError, match="no target `three`") as raised:
            read_settings(None, None, "three", environ=environ)
        assert "one, two, default" in str(raised.value.hint)

    def test_without_a_target_dbt_takes_default(self, project: Path) -> None:
        (project / "profiles.yml").write_text(
            "exhaust: {outputs: {default: {type: duckdb, path: c}}}\n"
        )
        assert read_settings(environ={}).profile.target == "default"


class TestDuckDBPath:
    def test_one_from_the_environment_is_relative_to_here(self, project: Path) -> None:
        settings = read_settings(environ={"EXHAUST_DUCKDB_PATH": "my.duckdb"})
        here = project / "deep" / "er" / "my.duckdb"
        assert file_of(settings.profile) == here
        assert settings.environment["EXHAUST_DUCKDB_PATH"] == str(here)

    def test_one_in_the_profile_is_relative_to_the_project(self, project: Path) -> None:
        settings = read_settings(environ={"EXHAUST_DUCKDB_PATH": ""})
        assert file_of(settings.profile) == project / "example.duckdb"
        assert "EXHAUST_DUCKDB_PATH" not in settings.environment

    def test_home(self, project: Path, home: Path) -> None:
        settings = read_settings(environ={"EXHAUST_DUCKDB_PATH": "~/my.duckdb"})
        assert file_of(settings.profile) == home / "my.duckdb"

    @pytest.mark.parametrize("path", [":memory:", "md:hunter2", "s3://bucket/x.duckdb"])
    def test_what_is_not_a_file_is_refused(self, project: Path, path: str) -> None:
        settings = read_settings(environ={"EXHAUST_DUCKDB_PATH": path})
        with pytest.raises(UsageError, match="has no file in `path`") as raised:
            connect(settings.profile, writing=True)
        assert "hunter2" not in f"{raised.value.message} {raised.value.hint}"

    def test_a_missing_path_is_refused(self, project: Path) -> None:
        (project / "profiles.yml").write_text(profiles("{type: duckdb}"))
        with pytest.raises(UsageError, match="has no file in `path`"):
            connect(read_settings(environ={}).profile, writing=False)


class TestRenamedVariables:
    OLD = "vars: {results_days: 7, most_batches: 3, "

    def test_an_old_name_works_with_a_warning(self, project: Path) -> None:
        console = RecordingConsole()
        (project / "dbt_project.yml").write_text(PROJECT.replace("vars: {", self.OLD))
        settings = read_settings(environ={}, console=console)
        assert settings.results_retention == timedelta(days=7)
        assert settings.max_batches_per_request == 3
        file = project / "dbt_project.yml"
        assert console.said == [
            f"warning: {file}: the variable results_days is now called results_retention_days. "
            "Rename it.",
            f"warning: {file}: the variable most_batches is now called max_batches_per_request. "
            "Rename it.",
        ]

    def test_the_new_name_comes_first(self, project: Path) -> None:
        both = self.OLD + "results_retention_days: 9, "
        (project / "dbt_project.yml").write_text(PROJECT.replace("vars: {", both))
        assert read_settings(environ={}).results_retention == timedelta(days=9)
