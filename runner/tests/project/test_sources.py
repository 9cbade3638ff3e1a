from pathlib import Path

import pytest
from support import PROJECT

from exhaust.errors import UsageError
from exhaust.project.sources import SOURCES_FILE, SourceTable, read_sources


def test_the_ten_tables_are_read_without_the_table_of_loads() -> None:
    assert [table.name for table in read_sources(PROJECT)] == [
        "user",
        "user_organisation",
        "organisation",
        "location",
        "user_declarations",
        "system_settings",
        "course_batch",
        "user_enrolments",
        "assessment_aggregator",
        "content_hierarchy",
    ]


def test_keys_and_marked_columns_are_needed(tmp_path: Path) -> None:
    file = tmp_path / SOURCES_FILE
    file.parent.mkdir(parents=True)
    file.write_text(
        """
        sources:
          - name: sunbird
            tables:
              - name: cat
                columns:
                  - {name: id, config: {meta: {key: true}}}
                  - {name: fur}
                  - {name: paws, config: {meta: {needed: true}}}
              - name: loads
                config: {meta: {written_by: exhaust load}}
                columns: [{name: table_name}]
        """
    )

    assert read_sources(tmp_path) == [
        SourceTable("cat", columns=("id", "fur", "paws"), key=("id",), needed=("id", "paws"))
    ]


def test_a_folder_without_sources_is_not_the_project(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"_sources\.yml cannot be read"):
        read_sources(tmp_path)
