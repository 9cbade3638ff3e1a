"""Writes raw extracts of any size as `dsbulk unload -c csv` does. DuckDB makes the rows.

    python -m bench.generate DIR --enrolments 1000000 --batches 1000 --courses 100

The number of a row and the seed determine its content. Rows are not sorted by course or batch, as
from Cassandra, but the attempts of a learner in a batch are next to each other.
"""

import json
import math
from pathlib import Path
from typing import Annotated, Any

import duckdb
import typer

from bench.shape import Shape, batch_id, course_id

CUSTODIAN = "0126684405014528002"
TENANT = "01269878797503692810"
STATES, DISTRICTS, BLOCKS, CLUSTERS = 5, 20, 10, 8
"""The number of states, and of districts, blocks and clusters in each parent."""


def generate(shape: Shape, folder: Path) -> None:
    """Writes the ten tables of an extract, one file each, into a new folder."""
    folder.mkdir(parents=True)
    with duckdb.connect() as duck:
        _make_numbers(duck, shape)
        for table, select in _tables(shape).items():
            file = str(folder / f"{table}.csv").replace("'", "''")
            duck.execute(
                f"copy ({select}) to '{file}' (header, quote '\"', escape '\\', nullstr '')"
            )


def _make_numbers(duck: duckdb.DuckDBPyConnection, shape: Shape) -> None:
    """Creates the tables behind the rows: courses with contents, batches with learners."""
    duck.execute(
        f"""
        create macro pick(kind, number, choices) as
            (hash(kind, number, {shape.seed}) % choices)::bigint;
        create macro uuid_of(kind, number) as
            md5(kind || '/' || number || '/' || {shape.seed})::uuid::text;
        """
    )
    duck.execute("create table contents (course_id text, ids text[], assessments text[])")
    duck.execute("create table hierarchies (identifier text, hierarchy text)")
    for course in range(shape.courses):
        tree = _tree(shape, course)
        leaves = [leaf for unit in tree["children"] for leaf in unit["children"]]
        ids = [leaf["identifier"] for leaf in leaves]
        assessed = [leaf["identifier"] for leaf in leaves if leaf["contentType"] == "SelfAssess"]
        duck.execute("insert into contents values (?, ?, ?)", [course_id(course), ids, assessed])
        duck.execute("insert into hierarchies values (?, ?)", [course_id(course), json.dumps(tree)])
    duck.execute(
        "create table batches "
        "(course_id text, batch_id text, creator text, first bigint, size bigint)"
    )
    first = 0
    for batch, size in enumerate(shape.batch_sizes()):
        course = batch % shape.courses
        ids = [course_id(course), batch_id(batch), shape.creator(course)]
        duck.execute("insert into batches values (?, ?, ?, ?, ?)", [*ids, first, size])
        first += size
    # Enrolments are numbered batch by batch, but the file lists them in another order.
    stride = _coprime(shape.enrolments)
    duck.execute(
        f"""
        create table enrolments as
        select
            numbered.number,
            batches.course_id,
            batches.batch_id,
            (number - batches.first + batches.first * 7919) % {shape.user_count} as learner
        from (select i, i * {stride} % {shape.enrolments} as number
              from range({shape.enrolments}) as _(i)) as numbered
        asof join batches on numbered.number >= batches.first
        order by numbered.i
        """
    )


def _coprime(size: int) -> int:
    """Returns a stride that visits each of `size` numbers once."""
    stride = int(size * 0.6180339887) | 1
    while math.gcd(stride, size) != 1:
        stride += 2
    return stride


def _tree(shape: Shape, course: int) -> dict[str, Any]:
    """Returns the hierarchy of a course: units of five contents. Every eighth content is
    optional."""
    step = shape.contents / max(shape.assessments, 1)
    assessed = {int(n * step) for n in range(shape.assessments)}
    leaves = [
        {
            "identifier": f"do_31{course:09d}{n + 1:010d}",
            "name": f"Content {n + 1} of course {course}",
            "mimeType": "application/vnd.ekstep.ecml-archive",
            "contentType": "SelfAssess" if n in assessed else "Resource",
            "objectType": "Content",
            "relationalMetadata": {"optional": n % 8 == 7},
        }
        for n in range(shape.contents)
    ]
    return {
        "identifier": course_id(course),
        "name": f"Course {course}",
        "channel": TENANT,
        "createdBy": shape.creator(course),
        "status": "Live",
        "leafNodesCount": shape.contents,
        "mimeType": "application/vnd.ekstep.content-collection",
        "children": [
            {
                "identifier": f"do_32{course:09d}{unit:010d}",
                "name": f"Unit {unit + 1}",
                "mimeType": "application/vnd.ekstep.content-collection",
                "contentType": "CourseUnit",
                "children": leaves[start : start + 5],
            }
            for unit, start in enumerate(range(0, shape.contents, 5))
        ],
    }


def _tables(shape: Shape) -> dict[str, str]:
    """Returns a SELECT for each table; everything that is not a number is text."""
    return {
        "system_settings": f"""
            select 'custodianOrgId' as id, 'custodianOrgId' as field, '{CUSTODIAN}' as value
        """,
        "location": _location(),
        "organisation": _organisation(shape),
        "user": _user(shape),
        "user_organisation": _user_organisation(shape),
        "user_declarations": _user_declarations(shape),
        "course_batch": _course_batch(),
        "content_hierarchy": "select identifier, hierarchy from hierarchies",
        "user_enrolments": _user_enrolments(),
        "assessment_aggregator": _assessment_aggregator(shape),
    }


def _location() -> str:
    """Returns the SELECT of four levels of locations."""
    return f"""
        {_locations("state", STATES, None)}
        union all {_locations("district", STATES * DISTRICTS, DISTRICTS)}
        union all {_locations("block", STATES * DISTRICTS * BLOCKS, BLOCKS)}
        union all {_locations("cluster", STATES * DISTRICTS * BLOCKS * CLUSTERS, CLUSTERS)}
    """


def _organisation(shape: Shape) -> str:
    """Returns the SELECT of the custodian, the tenant and its schools."""
    return f"""
        select '{CUSTODIAN}' as id, 'Custodian organisation' as orgname, null as externalid,
            5 as organisationtype, '{CUSTODIAN}' as rootorgid, null as orglocation
        union all
        select '{TENANT}', 'State', 'state', 5, '{TENANT}', null
        union all
        select '014' || lpad(i::text, 17, '0'), 'School, number ' || i, lpad(i::text, 11, '0'),
            2, '{TENANT}',
            '[{{"id":"' || uuid_of('cluster', i % {STATES * DISTRICTS * BLOCKS * CLUSTERS})
                || '","type":"cluster"}}]'
        from range({shape.schools}) as _(i)
    """


def _user(shape: Shape) -> str:
    """Returns the SELECT of the learners; three of five have a location in their profile."""
    return f"""
        select
            uuid_of('user', i) as userid,
            'Learner ' || i as firstname,
            md5('mail' || i) || md5('box' || i) || '==' as email,
            case when i % 5 < 2 then '{CUSTODIAN}' else '{TENANT}' end as rootorgid,
            '{{"board":["Board ' || pick('board', i, 20) || '"],"medium":["English"]}}'
            as framework,
            case when i % 5 < 3 then
                '[{{"id":"' || uuid_of('cluster', cluster) || '","type":"cluster"}},'
                || '{{"id":"' || uuid_of('block', cluster // {CLUSTERS})
                || '","type":"block"}},'
                || '{{"id":"' || uuid_of('district', cluster // {CLUSTERS * BLOCKS})
                || '","type":"district"}},'
                || '{{"id":"' || uuid_of('state', cluster // {CLUSTERS * BLOCKS * DISTRICTS})
                || '","type":"state"}}]'
            end as profilelocation,
            case when i % 10 = 0 then '[{{"type":"administrator","subType":"hm"}}]'
            else '[{{"type":"teacher","subType":null}}]' end as profileusertypes,
            1 as status
        from (
            select i, pick('cluster', i, {STATES * DISTRICTS * BLOCKS * CLUSTERS}) as cluster
            from range({shape.user_count}) as _(i)
        )
    """


def _user_organisation(shape: Shape) -> str:
    """Returns the SELECT of the tenant's learners' schools."""
    return f"""
        select
            uuid_of('user', i) as userid,
            '014' || lpad(pick('school', i, {shape.schools})::text, 17, '0') as organisationid,
            'False' as isdeleted
        from range({shape.user_count}) as _(i)
        where i % 5 >= 2
    """


def _user_declarations(shape: Shape) -> str:
    """Returns the SELECT of the declarations, which a tenth of the learners have."""
    return f"""
        select
            uuid_of('user', i) as userid,
            '{TENANT}' as orgid,
            'teacher' as persona,
            case when i % 3 = 0 then 'VALIDATED' else 'SUBMITTED' end as status,
            '{{"declared-school-name":"School, declared ' || i % 1000
            || '","declared-school-udise-code":"' || lpad((i % 1000)::text, 11, '0')
            || '","declared-phone":"' || md5('phone' || i) || '=="}}' as userinfo
        from range({shape.user_count}) as _(i)
        where i % 10 < 1
    """


def _course_batch() -> str:
    """Returns the SELECT of the batches."""
    return """
        select
            course_id as courseid,
            batch_id as batchid,
            'Batch ' || batch_id as name,
            creator as createdby,
            '["' || uuid_of('user', 0) || '"]' as mentors,
            '2026-01-01T00:00:00Z' as start_date,
            '2026-12-31T00:00:00Z' as end_date,
            1 as status
        from batches
    """


def _user_enrolments() -> str:
    """Returns the SELECT of the enrolments; a quarter of them are completed."""
    return """
        select
            uuid_of('user', learner) as userid,
            course_id as courseid,
            batch_id as batchid,
            case when pick('active', number, 20) = 0 then 'False' else 'True' end as active,
            strftime(enrolled, '%Y-%m-%dT%H:%M:%S.%gZ') as enrolled_date,
            case when done = 3 then
                strftime(enrolled + interval 40 day, '%Y-%m-%dT%H:%M:%SZ')
            end as completedon,
            '{' || array_to_string(
                list_transform(
                    ids[: case when done = 3 then len(ids)
                          else pick('contents', number, len(ids) + 1) end],
                    lambda id, n : '"' || id || '":'
                        || case when done = 3 or (mask >> (n % 48)) & 3 > 0
                           then 2 else 1 end
                ), ','
            ) || '}' as contentstatus,
            case when done = 3 then
                '[{"identifier":"1-' || md5('certificate' || number) || '","name":"Merit"}]'
            else '[]' end as issued_certificates,
            strftime(enrolled + interval 41 day, '%Y-%m-%dT%H:%M:%SZ') as datetime
        from (
            select
                *,
                pick('done', number, 4) as done,
                pick('mask', number, 1::bigint << 60) as mask,
                timestamp '2026-01-01'
                    + to_milliseconds(pick('enrolled', number, 15552000000))
                as enrolled
            from enrolments
            inner join contents using (course_id)
        )
    """


def _assessment_aggregator(shape: Shape) -> str:
    """Returns the SELECT of the attempts, with the scores in halves up to 20."""
    return f"""
        select
            uuid_of('user', learner) as user_id,
            course_id,
            batch_id,
            assessments[1 + pick('assessment', attempt, len(assessments))] as content_id,
            md5('attempt/' || attempt || '/{shape.seed}') as attempt_id,
            pick('score', attempt, 41) / 2 as total_score,
            20.0 as total_max_score,
            strftime(
                timestamp '2026-02-01'
                    + to_milliseconds(pick('attempted', attempt, 15552000000)),
                '%Y-%m-%d %H:%M:%S.%f+0000'
            ) as last_attempted_on,
            strftime(timestamp '2026-08-01', '%Y-%m-%d %H:%M:%S.%f+0000') as updated_on
        from (
            select *, number * {shape.attempts} + unnest(range({shape.attempts})) as attempt
            from enrolments
        )
        inner join contents using (course_id)
    """


def _locations(kind: str, number: int, in_each: int | None) -> str:
    """Returns a SELECT of all locations of a kind, each in one of the kind above."""
    above = {"district": "state", "block": "district", "cluster": "block"}.get(kind)
    parent = "null" if in_each is None else f"uuid_of('{above}', i // {in_each})"
    return f"""
        select uuid_of('{kind}', i) as id, '{kind[0]}' || i as code,
            '{kind.capitalize()} ' || i as name, {parent} as parentid, '{kind}' as type
        from range({number}) as _(i)
    """


def main(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to create.")],
    enrolments: int = 1_000_000,
    users: Annotated[int, typer.Option(help="0: as many as enrolments.")] = 0,
    courses: int = 1,
    batches: Annotated[int, typer.Option(help="Total over all courses.")] = 1,
    skew: Annotated[
        float, typer.Option(help="0: batches of equal size; 1: a few large ones.")
    ] = 0.0,
    contents: int = 40,
    assessments: int = 10,
    attempts: Annotated[int, typer.Option(help="Per learner and batch.")] = 7,
    schools: int = 20_000,
    seed: int = 1,
) -> None:
    """Write an extract."""
    generate(
        Shape(
            enrolments=enrolments,
            users=users,
            courses=courses,
            batches=batches,
            skew=skew,
            contents=contents,
            assessments=assessments,
            attempts=attempts,
            schools=schools,
            seed=seed,
        ),
        folder,
    )


if __name__ == "__main__":
    typer.run(main)
