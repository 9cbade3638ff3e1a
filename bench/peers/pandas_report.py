"""The report of one batch with pandas, as a data analyst would write it without exhaust.

    python -m bench.peers.pandas_report EXTRACT_DIR COURSE_ID BATCH_ID OUT.csv

It reads the needed columns of the raw CSV files, keeps the batch's rows and follows the steps of
Sunbird's ProgressExhaustJob: enrolments joined with profiles, progress, best attempts, a column
per assessment.

It assumes what is true of generated data: one row per key; valid JSON; locations have an ID, and no
cycle of parents; a course has contents; among best attempts of score zero with different maxima,
the time does not matter; scores are exact up to 10^9 (floats made integers of six decimal places).
"""

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

CUSTODIAN = "custodianOrgId"
QUESTION_SET = ("QuestionSet", "Practice Question Set")
COLLECTION = "application/vnd.ekstep.content-collection"
TIME_ZONE = "Asia/Kolkata"
MICRO = 1_000_000
PLACES = {
    "state": "State",
    "district": "District",
    "block": "Block Name",
    "cluster": "Cluster Name",
}
COLUMNS = [
    *["Collection ID", "Collection Name", "Batch ID", "Batch Name", "User UUID", "State"],
    *["District", "Org Name", "School ID", "School Name", "Block Name", "Cluster Name"],
    *["User Type", "User Sub Type", "Declared Board", "Enrolment Date", "Completion Date"],
    *["Certificate Status", "Progress", "Total Score"],
]

Locations = dict[str, dict[str, Any]]


def read(extract: Path, table: str, *columns: str) -> pd.DataFrame:
    """Columns of a table as text; those that the extract lacks are empty."""
    frame = pd.read_csv(
        extract / f"{table}.csv",
        usecols=lambda name: name in columns,
        dtype=str,
        escapechar="\\",
        keep_default_na=False,
        na_values=[""],
    )
    return frame.reindex(columns=list(columns)).astype(str)


def parse(column: pd.Series, function: Callable[[Any], Any]) -> pd.Series:
    """A function of each different JSON text of a column: profiles repeat themselves."""
    return column.map({text: function(json.loads(text)) for text in column.dropna().unique()})


def joined(roles: list[dict[str, str]], key: str) -> str:
    """The different values of a key, in their order."""
    return ",".join(dict.fromkeys(role[key] for role in roles if role.get(key)))


def is_true(column: pd.Series) -> pd.Series:
    return column.str.lower().isin(["true", "t", "1"])


def to_date(column: pd.Series) -> pd.Series:
    moments = pd.to_datetime(column, format="ISO8601", utc=True, errors="coerce")
    return moments.dt.tz_convert(TIME_ZONE).dt.strftime("%d/%m/%Y")


def percent_up(score: pd.Series, maximum: pd.Series) -> pd.Series:
    """Whole percent, rounded up, of integers."""
    return (-(-100 * score // maximum)).astype(str) + "%"


def course_of(hierarchy: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Returns the mandatory contents and the assessments of a course, in its order."""
    mandatory: dict[str, bool] = {}
    assessments: dict[str, None] = {}

    def walk(node: dict[str, Any], optional: bool) -> None:
        for child in node.get("children") or []:
            flag = (child.get("relationalMetadata") or {}).get("optional")
            is_optional = optional or str(flag).lower() == "true"
            kind = (child.get("objectType"), child.get("primaryCategory"))
            if child.get("contentType") == "SelfAssess" or kind == QUESTION_SET:
                assessments[child["identifier"]] = None
            if child.get("mimeType") == COLLECTION:
                walk(child, is_optional)
            else:
                known = mandatory.get(child["identifier"], True)
                mandatory[child["identifier"]] = known and not is_optional

    walk(hierarchy, False)
    return [content for content, counts in mandatory.items() if counts], list(assessments)


def places_of(entries: list[dict[str, str]], locations: Locations, above: bool) -> dict[str, str]:
    """Names by type of the locations of JSON entries and, behind them, of those above."""
    found: dict[str, str] = {}
    known = [locations[entry["id"]] for entry in entries if entry.get("id") in locations]
    for location in known:
        found.setdefault(location["type"].lower(), location["name"])
    for location in known if above else []:
        while parent := locations.get(location["parentid"]):
            found.setdefault(parent["type"].lower(), parent["name"])
            location = parent
    return found


def profiles(extract: Path, learners: pd.Series) -> pd.DataFrame:
    """Returns the profile columns of each learner, enrolled or not."""
    settings = read(extract, "system_settings", "id", "value").set_index("id")["value"]
    columns = ["userid", "rootorgid", "framework", "profilelocation", "profileusertypes"]
    users = read(extract, "user", *columns)
    users = users[users["userid"].isin(learners)]
    columns = ["id", "orgname", "externalid", "organisationtype", "orglocation"]
    organisations = read(extract, "organisation", *columns).set_index("id")
    locations: Locations = (
        read(extract, "location", "id", "name", "parentid", "type").set_index("id").to_dict("index")
    )

    member = read(extract, "user_organisation", "userid", "organisationid", "isdeleted")
    member = member[member["userid"].isin(learners) & ~is_true(member["isdeleted"])]
    schools = organisations[organisations["organisationtype"] == "2"]
    member = member.merge(schools, left_on="organisationid", right_index=True)
    member = member.sort_values("organisationid").drop_duplicates("userid")

    declared = read(
        extract, "user_declarations", "userid", "orgid", "persona", "status", "userinfo"
    )
    declared = declared[declared["userid"].isin(learners)]
    declared["other"] = declared["status"] != "VALIDATED"
    declared = declared.sort_values(["other", "persona", "orgid"]).drop_duplicates("userid")

    users = users.merge(member, on="userid", how="left")
    users = users.merge(declared[["userid", "userinfo"]], on="userid", how="left")
    itself = users["rootorgid"] == settings[CUSTODIAN]
    own = parse(users["profilelocation"], lambda entries: places_of(entries, locations, False))
    school = parse(users["orglocation"], lambda entries: places_of(entries, locations, True))
    school = school.mask(itself)
    users["User UUID"] = users["userid"]
    for kind, column in PLACES.items():
        first, second = (school, own) if kind == "block" else (own, school)
        users[column] = first.str.get(kind).combine_first(second.str.get(kind))
    users["Block Name"] = users["Block Name"].mask(itself)
    users["Org Name"] = users["rootorgid"].map(organisations["orgname"])
    code = parse(users["userinfo"], lambda info: info.get("declared-school-udise-code"))
    name = parse(users["userinfo"], lambda info: info.get("declared-school-name"))
    users["School ID"] = users["externalid"].where(~itself, code)
    users["School Name"] = users["orgname"].where(~itself, name)
    for key, column in {"type": "User Type", "subType": "User Sub Type"}.items():
        users[column] = parse(users["profileusertypes"], partial(joined, key=key))
    users["Declared Board"] = parse(
        users["framework"], lambda framework: next(iter(framework.get("board") or []), None)
    )
    return users[[column for column in COLUMNS if column in users]]


def enrolments(extract: Path, course_id: str, batch_id: str, mandatory: list[str]) -> pd.DataFrame:
    """Returns the batch's learners with their dates, certificate and progress."""
    columns = ["userid", "courseid", "batchid", "active", "enrolled_date", "enrolleddate"]
    columns += ["completedon", "contentstatus", "issued_certificates", "certificates"]
    rows = read(extract, "user_enrolments", *columns)
    rows = rows[(rows["courseid"] == course_id) & (rows["batchid"] == batch_id)]
    rows["Enrolment Date"] = to_date(rows["enrolled_date"]).fillna(to_date(rows["enrolleddate"]))
    rows = rows[is_true(rows["active"]) & rows["Enrolment Date"].notna()]
    rows["Completion Date"] = to_date(rows["completedon"])
    issued = rows[["issued_certificates", "certificates"]].fillna("[]")
    has_one = ~issued.isin(["[]", "{}"]).all(axis=1)
    rows["Certificate Status"] = has_one.map({True: "Issued", False: ""})

    def progress(text: str) -> int:
        status = json.loads(text)
        done = list(map(status.get, mandatory)).count(2)
        return (200 * done + len(mandatory)) // (2 * len(mandatory)) if mandatory else 0

    rows["Progress"] = 100
    open_rows = rows["Completion Date"].isna()
    rows.loc[open_rows, "Progress"] = (
        rows.loc[open_rows, "contentstatus"].fillna("{}").map(progress)
    )
    return rows.rename(columns={"userid": "User UUID"})[
        ["User UUID", "Enrolment Date", "Completion Date", "Certificate Status", "Progress"]
    ]


def scores(extract: Path, course_id: str, batch_id: str, assessments: list[str]) -> pd.DataFrame:
    """Total score and a column per assessment, of the best attempts."""
    key = ["user_id", "content_id"]
    columns = [*key, "course_id", "batch_id", "total_score", "total_max_score"]
    rows = read(extract, "assessment_aggregator", *columns)
    rows = rows[(rows["course_id"] == course_id) & (rows["batch_id"] == batch_id)]
    rows = rows[rows["content_id"].isin(assessments)]
    for column in ["total_score", "total_max_score"]:
        rows[column] = pd.to_numeric(rows[column], errors="coerce").mul(MICRO).round()
    rows = rows[(rows["total_score"] >= 0) & (rows["total_max_score"] > 0)]
    rows = rows.astype({"total_score": int, "total_max_score": int})
    rows = rows.sort_values(["total_score", "total_max_score"], ascending=[False, True])
    best = rows.drop_duplicates(key)
    best["score"] = percent_up(best["total_score"], best["total_max_score"])
    total = best.groupby("user_id")[["total_score", "total_max_score"]].sum()
    total = percent_up(total["total_score"], total["total_max_score"]).rename("Total Score")
    pivot = best.pivot(index="user_id", columns="content_id", values="score")
    pivot = pivot.reindex(columns=assessments).add_suffix(" - Score")
    return pd.concat([total, pivot], axis=1)


def report(extract: Path, course_id: str, batch_id: str) -> pd.DataFrame:
    """Returns the rows of the file, in order."""
    hierarchies = read(extract, "content_hierarchy", "identifier", "hierarchy")
    hierarchies = hierarchies.set_index("identifier")["hierarchy"]
    hierarchy = json.loads(hierarchies[course_id])
    mandatory, assessments = course_of(hierarchy)
    batches = read(extract, "course_batch", "courseid", "batchid", "name")
    names = batches.set_index(["courseid", "batchid"])["name"]

    rows = enrolments(extract, course_id, batch_id, mandatory)
    rows = rows.merge(profiles(extract, rows["User UUID"]), on="User UUID", how="left")
    attempted = scores(extract, course_id, batch_id, assessments)
    rows = rows.merge(attempted, left_on="User UUID", right_index=True, how="left")
    rows["Collection ID"], rows["Collection Name"] = course_id, hierarchy["name"]
    rows["Batch ID"], rows["Batch Name"] = batch_id, names[course_id, batch_id]
    return rows.sort_values("User UUID")[[*COLUMNS, *attempted.columns[1:]]]


def main() -> None:
    extract, course_id, batch_id, out = sys.argv[1:]
    rows = report(Path(extract), course_id, batch_id)
    rows.to_csv(out, index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
