import re
from pathlib import Path

import pytest
from project_files import profiles
from support import PROJECT

from exhaust.errors import UsageError
from exhaust.project.profile import LONGEST_SUFFIX
from exhaust.project.settings import read_settings
from exhaust.warehouse import connect
from exhaust.warehouse.duckdb import file_of


class TestProfiles:
    def test_without_a_profile_the_example_is_used(self, project: Path) -> None:
        settings = read_settings(environ={})
        assert settings.uses_example
        assert settings.profile.target == "duckdb"

    def test_folders_are_searched_in_order(self, project: Path, home: Path) -> None:
        """Adds folders in reverse order: each takes precedence over those added before it."""
        environ: dict[str, str] = {}
        folders = [home / ".dbt", project, Path.cwd()]
        for name in ("DBT_PROFILES_DIR", "EXHAUST_PROFILES_DIR", "flag"):
            folders.append(project / name)
        for number, folder in enumerate(folders):
            folder.mkdir(exist_ok=True)
            (folder / "profiles.yml").write_text(profiles(f"{{type: duckdb, path: {number}.db}}"))
            if folder.name.endswith("PROFILES_DIR"):
                environ[folder.name] = str(folder)
            flag = folder if folder.name == "flag" else None
            settings = read_settings(None, flag, environ=environ)
            assert settings.profiles_file == folder / "profiles.yml"
            assert file_of(settings.profile) == project / f"{number}.db"
            assert not settings.uses_example

    def test_a_file_without_the_profile_is_skipped(self, project: Path) -> None:
        (project / "profiles.yml").write_text("other: {}\n")
        assert read_settings(environ={}).uses_example

    @pytest.mark.parametrize("content", [None, "other: {}\n", ""])
    def test_a_given_folder_must_have_the_profile(self, project: Path, content: str | None) -> None:
        if content is not None:
            (project / "deep" / "profiles.yml").write_text(content)
        with pytest.raises(UsageError, match=r"has no profile"):
            read_settings(None, project / "deep", environ={})
        with pytest.raises(UsageError, match=r"has no profile"):
            read_settings(environ={"EXHAUST_PROFILES_DIR": str(project / "deep")})
        with pytest.raises(UsageError, match=r"has no profile"):
            read_settings(environ={"DBT_PROFILES_DIR": str(project / "deep")})

    @pytest.mark.parametrize(
        ("content", "message"),
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
    def test_errors_never_quote_a_value(self, project: Path, content: str, message: str) -> None:
        (project / "profiles.yml").write_text(content)
        with pytest.raises(UsageError, match=message) as raised:
            read_settings(environ={})
        assert "hunter2" not in f"{raised.value.message} {raised.value.hint}"

    def test_a_file_that_is_not_utf_8_is_refused(self, project: Path) -> None:
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
    def test_strings_are_rendered_as_by_dbt(self, project: Path, text: str, value: object) -> None:
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

    def test_the_target_is_the_option_then_the_environment_then_the_default(
        self, project: Path
    ) -> None:
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

    def test_without_a_target_the_output_default_is_used(self, project: Path) -> None:
        (project / "profiles.yml").write_text(
            "exhaust: {outputs: {default: {type: duckdb, path: c}}}\n"
        )
        assert read_settings(environ={}).profile.target == "default"


class TestDuckDBPath:
    def test_a_path_in_the_environment_is_relative_to_the_current_folder(
        self, project: Path
    ) -> None:
        settings = read_settings(environ={"EXHAUST_DUCKDB_PATH": "my.duckdb"})
        here = project / "deep" / "er" / "my.duckdb"
        assert file_of(settings.profile) == here
        assert settings.environment["EXHAUST_DUCKDB_PATH"] == str(here)

    def test_a_path_in_the_profile_is_relative_to_the_project(self, project: Path) -> None:
        settings = read_settings(environ={"EXHAUST_DUCKDB_PATH": ""})
        assert file_of(settings.profile) == project / "example.duckdb"
        assert "EXHAUST_DUCKDB_PATH" not in settings.environment

    def test_a_tilde_is_the_home_folder(self, project: Path, home: Path) -> None:
        settings = read_settings(environ={"EXHAUST_DUCKDB_PATH": "~/my.duckdb"})
        assert file_of(settings.profile) == home / "my.duckdb"

    @pytest.mark.parametrize("path", [":memory:", "md:hunter2", "s3://bucket/x.duckdb"])
    def test_a_path_that_is_not_a_file_is_refused(self, project: Path, path: str) -> None:
        settings = read_settings(environ={"EXHAUST_DUCKDB_PATH": path})
        with pytest.raises(UsageError, match="has no file in `path`") as raised:
            connect(settings.profile, writing=True)
        assert "hunter2" not in f"{raised.value.message} {raised.value.hint}"

    def test_a_missing_path_is_refused(self, project: Path) -> None:
        (project / "profiles.yml").write_text(profiles("{type: duckdb}"))
        with pytest.raises(UsageError, match="has no file in `path`"):
            connect(read_settings(environ={}).profile, writing=False)


class TestLongSchemas:
    """Postgres would cut the names of `<schema>_intermediate` and the like without an error."""

    @pytest.mark.parametrize("schema", ["s" * 50, "ப" * 16])
    def test_the_longest_schema_is_accepted(self, project: Path, schema: str) -> None:
        (project / "profiles.yml").write_text(profiles(f"{{type: postgres, schema: {schema}}}"))
        assert read_settings(environ={}).profile.schema == schema

    @pytest.mark.parametrize(("schema", "size"), [("s" * 51, 51), ("ப" * 17, 51)])
    def test_a_longer_one_is_refused(self, project: Path, schema: str, size: int) -> None:
        (project / "profiles.yml").write_text(profiles(f"{{type: postgres, schema: {schema}}}"))
        with pytest.raises(UsageError, match=f"`schema` has {size} bytes") as raised:
            read_settings(environ={})
        assert raised.value.hint == "Choose a name of at most 50 bytes."

    def test_other_engines_take_it(self, project: Path) -> None:
        (project / "profiles.yml").write_text(
            profiles(f"{{type: duckdb, path: x, schema: {'s' * 60}}}")
        )
        assert read_settings(environ={}).profile.schema == "s" * 60

    def test_no_schema_has_a_longer_ending(self) -> None:
        text = (PROJECT / "dbt_project.yml").read_text("utf-8")
        endings = {f"_{name}" for name in re.findall(r"\+schema: (\w+)", text)} | {"_requests"}
        assert max(endings, key=len) == LONGEST_SUFFIX
