"""The wheel, as `make test-install` has built it into dist/ and installed it with its dependencies.

EXHAUST_WHEEL_ENVIRONMENT is the folder of that virtual environment.
"""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from support import PROJECT, SCENARIOS, reports

pytestmark = pytest.mark.install

DIST = PROJECT / "dist"
TRAVELS = ("macros", "models", "seeds", "tests")
OWN_MODEL = """
select district, count(*) as learners
from {{ ref("exhaust", "course_progress") }}
group by district
"""

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def environment() -> Path:
    """The virtual environment with the wheel."""
    folder = os.environ.get("EXHAUST_WHEEL_ENVIRONMENT")
    assert folder, "`make test-install` installs the wheel, and runs this test."
    return Path(folder).absolute()


@pytest.fixture
def layer(environment: Path, tmp_path: Path) -> Path:
    """An environment of this test, which takes only dependencies from the one with the wheel."""
    layer = tmp_path / "layer"
    subprocess.run([python_of(environment), "-m", "venv", layer], check=True)
    (site_packages(layer) / "dependencies.pth").write_text(f"{site_packages(environment)}\n")
    return layer


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a program of an environment in an empty folder, with no settings of the user's."""
    home = tmp_path / "home"
    here = tmp_path / "here"
    for folder in (home, here):
        folder.mkdir()
    kept = ("PATH", "LANG", "LC_ALL", "TMPDIR")
    variables = {name: os.environ[name] for name in kept if name in os.environ}

    def run(
        environment: Path, *command: str, folder: Path = here, code: int = 0
    ) -> subprocess.CompletedProcess[str]:
        program, *arguments = command
        done = subprocess.run(
            [environment / "bin" / program, *arguments],
            cwd=folder,
            env={**variables, "HOME": str(home), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done

    return run


def site_packages(environment: Path) -> Path:
    variables = {"base": str(environment), "platbase": str(environment)}
    return Path(sysconfig.get_path("purelib", "venv", variables))


def python_of(environment: Path) -> Path:
    return environment / "bin" / "python"


def package_of(environment: Path) -> Path:
    return site_packages(environment) / "exhaust" / "dbt_project"


def contents(folder: Path) -> dict[str, tuple[int, int]]:
    """Returns the files in a folder, with their sizes and times."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    return {
        str(file.relative_to(folder)): (file.stat().st_size, file.stat().st_mtime_ns)
        for file in files
    }


def install(environment: Path, wheel: Path) -> None:
    pip = [str(python_of(environment)), "-m", "pip", "install", "--quiet", "--no-index"]
    subprocess.run([*pip, "--no-deps", "--force-reinstall", wheel], check=True)


def wheel_of(folder: Path) -> Path:
    (wheel,) = folder.glob("sunbird_exhaust-*.whl")
    return wheel


def next_version(folder: Path) -> Path:
    """Builds a wheel of another version, in which one model differs, from the sdist."""
    (sdist,) = DIST.glob("sunbird_exhaust-*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (source,) = folder.iterdir()
    for name in ("pyproject.toml", "macros/report/contract.sql"):
        text = (source / name).read_text("utf-8")
        assert text.count('"0.1.0"') == 1
        (source / name).write_text(text.replace('"0.1.0"', '"0.2.0"'), "utf-8")
    with (source / "models" / "marts" / "core" / "courses.sql").open("a") as model:
        model.write("\n-- Another version of this model.\n")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    subprocess.run([*build, source], check=True, capture_output=True)
    return wheel_of(folder)


def test_the_wheel_has_the_files_of_the_package() -> None:
    with zipfile.ZipFile(wheel_of(DIST)) as wheel:
        names = [name for name in wheel.namelist() if name.startswith("exhaust/dbt_project/")]
        found = {name.removeprefix("exhaust/dbt_project/"): wheel.read(name) for name in names}
    files = [file for name in TRAVELS for file in (PROJECT / name).rglob("*") if file.is_file()]
    files += [PROJECT / "dbt_project.yml", PROJECT / "profiles.example.yml"]
    assert found == {str(file.relative_to(PROJECT)): file.read_bytes() for file in files}


def test_the_demo_runs_in_an_empty_folder(environment: Path, run: Run, tmp_path: Path) -> None:
    package = package_of(environment)
    before = contents(package)
    version = run(environment, "exhaust", "--version").stdout
    assert version == f"exhaust 0.1.0\nmodels: {package}\n"

    shown = json.loads(run(environment, "exhaust", "demo", "--json").stdout)

    file = Path(shown["file"])
    assert file.parent == tmp_path / "here"
    left = {one.name for one in file.parent.iterdir()}
    assert left == {file.name, f"{file.name}.receipt.json", "demo.duckdb", "logs", "target"}
    run(environment, "exhaust", "verify", file.name)
    assert contents(package) == before


def test_commands_without_a_project_say_how_to_make_one(environment: Path, run: Run) -> None:
    refused = run(environment, "exhaust", "load", str(SCENARIOS["sample"]), code=2).stderr
    assert "error: There is no dbt_project.yml in" in refused
    assert "hint: `exhaust init` makes a project." in refused


def test_a_project_of_the_users_own_is_made_loaded_built_and_exported(
    environment: Path, run: Run, tmp_path: Path
) -> None:
    run(environment, "exhaust", "init", "tn")
    project = tmp_path / "here" / "tn"
    run(environment, "exhaust", "load", str(SCENARIOS["sample"]), folder=project)
    (project / "models").mkdir()
    (project / "models" / "learners_by_district.sql").write_text(OWN_MODEL)
    run(environment, "exhaust", "build", folder=project)
    run(environment, "exhaust", "export", "--all", "--output-dir", "first", folder=project)

    run(environment, "dbt", "build", folder=project)
    run(environment, "exhaust", "export", "--all", "--output-dir", "second", folder=project)

    first, second = reports(project / "first"), reports(project / "second")
    assert first == second
    with duckdb.connect(str(project / "exhaust.duckdb"), read_only=True) as connection:
        ((learners, rows),) = connection.execute(
            "select (select sum(learners) from learners_by_district), count(*) from course_progress"
        ).fetchall()
    assert learners == rows > 0


def test_a_project_works_where_its_packages_are_not_installed_yet(
    environment: Path, run: Run, tmp_path: Path
) -> None:
    """As after `git clone`: dbt_packages is not part of a repository."""
    run(environment, "exhaust", "init")
    project = tmp_path / "here"
    shutil.rmtree(project / "dbt_packages")
    run(environment, "exhaust", "load", str(SCENARIOS["sample"]))
    assert "Installing the packages" in run(environment, "exhaust", "build").stderr


def test_an_upgrade_is_noticed_until_the_next_build(layer: Path, run: Run, tmp_path: Path) -> None:
    def exhaust(*arguments: str) -> str:
        return run(layer, "exhaust", *arguments).stderr

    install(layer, wheel_of(DIST))
    exhaust("init")
    exhaust("load", str(SCENARIOS["sample"]))
    exhaust("build")
    export = ("export", "--all", "--output-dir", "out")
    assert "other models" not in exhaust(*export)

    newer = next_version(tmp_path / "newer")
    for wheel, version in ((newer, "0.2.0"), (wheel_of(DIST), "0.1.0")):
        install(layer, wheel)
        assert run(layer, "exhaust", "--version").stdout.startswith(f"exhaust {version}\n")
        assert "was made with other models or macros than this command's" in exhaust(*export)
        built = exhaust("build")
        assert "warning: the models" not in built
        assert "other models" not in exhaust(*export)
        assert f"by exhaust {version}" in run(layer, "exhaust", "info").stdout


def test_a_project_of_another_installation_is_corrected(
    environment: Path, layer: Path, run: Run, tmp_path: Path
) -> None:
    """As after a new version of Python, or on another machine."""
    install(layer, wheel_of(DIST))
    run(layer, "exhaust", "init")
    shutil.rmtree(layer)
    run(environment, "exhaust", "load", str(SCENARIOS["sample"]))
    refused = run(environment, "exhaust", "build", code=1).stderr
    assert "dbt could not install the packages" in refused
    assert "`exhaust init` corrects the path" in refused

    corrected = run(environment, "exhaust", "init").stderr
    assert "packages.yml" in corrected
    run(environment, "exhaust", "build")
    assert (tmp_path / "here" / "dbt_packages" / "exhaust").resolve() == package_of(environment)
