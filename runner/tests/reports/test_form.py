"""The form of a report, as requests keep it."""

from typing import Any

import pytest

from exhaust.reports.form import Headers, ReportForm, SplitBy
from exhaust.reports.formats import Format
from exhaust.reports.layout import Layout

pytestmark = pytest.mark.not_on_spark

FORMS = [
    ReportForm(),
    ReportForm(layout=Layout.SUNBIRD),
    ReportForm(format=Format.XLSX, headers=Headers.ID),
    ReportForm(columns=("a", "b"), additions=("status",)),
    ReportForm(columns=("b", "a"), additions=("status",)),
    ReportForm(split_by=SplitBy.BLOCK, is_protected=True),
    ReportForm(since="778A3669531143769B5E8C98D42E1CAD"),
]


@pytest.mark.parametrize("form", FORMS)
def test_a_form_is_kept_as_data(form: ReportForm) -> None:
    assert ReportForm.of_data(form.as_data()) == form


def test_only_the_default_has_no_key_and_no_two_forms_have_one() -> None:
    keys = [form.key for form in FORMS]
    assert keys[0] == ""
    assert len({*keys}) == len(FORMS)


@pytest.mark.parametrize(
    "data",
    [
        {"format": "pdf"},
        {"format": None},
        {"headers": "label"},
        {"columns": "state"},
        {"columns": [1]},
        {"additions": [""]},
        {"splitBy": "village"},
        {"since": ""},
        {"since": 7},
        {"isProtected": "yes"},
        {"layout": 1},
    ],
)
def test_other_data_is_refused(data: dict[str, Any]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        ReportForm.of_data(data)


@pytest.mark.parametrize(
    ("name", "format"),
    [
        *(("a.csv", Format.CSV), ("a.CSV.zip", Format.CSV), ("a.xlsx", Format.XLSX)),
        *(("b.XLSX.zip", Format.XLSX), ("a", None), ("a.zip", None), ("xlsx", None)),
    ],
)
def test_the_ending_of_a_name_is_that_of_a_format(name: str, format: Format | None) -> None:
    assert Format.of_name(name) == format
