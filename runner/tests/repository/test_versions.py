"""The version, which three files name."""

import re
import tomllib

import yaml
from support import PROJECT


def test_the_files_that_name_the_version_agree() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]
    dbt_project = yaml.safe_load((PROJECT / "dbt_project.yml").read_text("utf-8"))
    macro = (PROJECT / "macros" / "report" / "contract.sql").read_text("utf-8")
    (recorded,) = re.findall(r"project_version\(\) -%\} \{\{ \"([^\"]+)\" \}\}", macro)
    assert project["version"] == dbt_project["version"] == recorded


def test_the_versions_of_python_agree() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]
    listed = re.findall(r"Python :: (3\.\d+)'", str(project["classifiers"]))
    readme = (PROJECT / "README.md").read_text("utf-8")
    assert listed == ["3.11", "3.12", "3.13"]
    assert project["requires-python"] == ">=3.11,<3.14"
    assert "with Python 3.11, 3.12 or 3.13" in readme
