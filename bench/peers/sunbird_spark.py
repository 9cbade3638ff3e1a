"""The reports of an extract's batches with PySpark, in the steps of Sunbird's own job.

    spark-submit --master 'local[2]' --driver-memory 8g bench/peers/sunbird_spark.py \
        EXTRACT_DIR OUT_DIR [--batches N]

It represents ProgressExhaustJob (Sunbird-Lern/data-products) and the user cache that feeds it:

- read: the raw tables, once, from CSV to Parquet, laid out by batch (in Sunbird: Cassandra);
- profiles: UserCacheIndexer, that is users with their locations, school, declaration and root
  organisation, written as a table (in Sunbird: Redis), read back by user ID and kept in memory;
- batches: one after the other, enrolments joined with profiles and kept in memory, progress from
  contentstatus, best attempts by a window, a pivot to a column per assessment, a join, a CSV file.

It follows the rules of the report, not Sunbird's, so that files can be compared. It assumes what is
true of generated data: one row per key; no line break in a CSV field; locations have an ID, and at
most three levels above them; a course has contents; among best attempts of score zero with
different maxima, the time does not matter.
"""

import argparse
import json
import shutil
import time
from functools import reduce
from itertools import pairwise
from pathlib import Path
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

TIME_ZONE = "Asia/Kolkata"
QUESTION_SET = ("QuestionSet", "Practice Question Set")
COLLECTION = "application/vnd.ekstep.content-collection"
TABLES = {
    "user": "userid rootorgid framework profilelocation profileusertypes",
    "user_organisation": "userid organisationid isdeleted",
    "organisation": "id orgname externalid organisationtype orglocation",
    "location": "id name parentid type",
    "user_declarations": "userid orgid persona status userinfo",
    "system_settings": "id value",
    "course_batch": "courseid batchid name",
    "content_hierarchy": "identifier hierarchy",
    "user_enrolments": "userid courseid batchid active enrolled_date enrolleddate completedon"
    " contentstatus issued_certificates certificates",
    "assessment_aggregator": "user_id course_id batch_id content_id total_score total_max_score",
}
BY_BATCH = {"user_enrolments": "userid", "assessment_aggregator": "user_id"}
KINDS = ["state", "district", "block", "cluster"]
COLUMNS = [
    *["Collection ID", "Collection Name", "Batch ID", "Batch Name", "User UUID", "State"],
    *["District", "Org Name", "School ID", "School Name", "Block Name", "Cluster Name"],
    *["User Type", "User Sub Type", "Declared Board", "Enrolment Date", "Completion Date"],
    *["Certificate Status", "Progress", "Total Score"],
]

Tables = dict[str, DataFrame]


def open_spark(scratch: Path) -> SparkSession:
    builder = SparkSession.builder.appName("progress-exhaust")
    options = {
        "spark.ui.enabled": "false",
        "spark.log.level": "ERROR",
        "spark.local.dir": str(scratch / "local"),
        "spark.sql.warehouse.dir": str(scratch / "warehouse"),
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
    }
    for name, value in options.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.conf.set("spark.sql.shuffle.partitions", spark.sparkContext.defaultParallelism)
    return spark


def land(spark: SparkSession, extract: Path, table: str, folder: Path) -> DataFrame:
    """Returns columns of a raw table as text, from Parquet; columns not in the extract are null."""
    source, target = extract / f"{table}.csv", str(folder / table)
    with source.open(encoding="utf-8") as lines:
        header = lines.readline().strip().split(",")
    schema = ", ".join(f"`{name}` string" for name in header)
    raw = spark.read.csv(
        str(source), schema, header=True, escape="\\", charToEscapeQuoteEscaping="\\"
    )
    lacking = {name: F.lit(None).cast("string") for name in TABLES[table].split()}
    lacking = {name: null for name, null in lacking.items() if name not in header}
    rows = raw.withColumns(lacking).select(*TABLES[table].split())
    if user := BY_BATCH.get(table):
        batch = "batchid" if user == "userid" else "batch_id"
        # Each batch in as many files as there are cores.
        part = F.expr(f"pmod(hash({user}), {spark.sparkContext.defaultParallelism})")
        rows.repartition(batch, part).write.partitionBy(batch).parquet(target)
    else:
        rows.write.parquet(target)
    return spark.read.parquet(target)


def is_true(column: str) -> Column:
    return F.coalesce(F.lower(column).isin("true", "t", "1"), F.lit(False))


def to_date(column: str) -> Column:
    moment = F.from_utc_timestamp(F.try_to_timestamp(F.col(column)), TIME_ZONE)
    return F.date_format(moment, "dd/MM/yyyy")


def lineage(location: DataFrame) -> DataFrame:
    """Each location with itself and those above it, by distance."""
    location = location.select("id", F.lower("type").alias("kind"), "name", "parentid")
    step = location.select(F.col("id").alias("entry"), F.lit(0).alias("distance"), "*").drop("id")
    steps = [step]
    for distance in range(1, len(KINDS)):
        parent = step.select(
            "entry", F.lit(distance).alias("distance"), F.col("parentid").alias("id")
        )
        step = parent.join(location, "id").drop("id")
        steps.append(step)
    return reduce(DataFrame.union, steps)


def locations_of(owners: DataFrame, key: str, entries: str, locations: DataFrame) -> DataFrame:
    """Returns a column per kind: the first location of the JSON entries, else of those above."""
    ids = F.transform(F.from_json(entries, "array<struct<id: string>>"), lambda entry: entry["id"])
    order = F.struct(F.col("distance") > 0, "position", "distance")
    return (
        owners.select(key, F.posexplode(ids).alias("position", "entry"))
        .join(F.broadcast(locations), "entry")
        .groupBy(key)
        .pivot("kind", [*KINDS])
        .agg(F.min_by("name", order))
    )


def make_profiles(tables: Tables) -> DataFrame:
    """Returns the user cache: the profile columns of each user."""
    locations = lineage(tables["location"])
    own = locations_of(tables["user"], "userid", "profilelocation", locations.where("distance = 0"))
    own = own.select("userid", F.struct(*KINDS).alias("own"))

    schools = tables["organisation"].where("organisationtype = '2'")
    schools = schools.join(locations_of(schools, "id", "orglocation", locations), "id", "left")
    schools = schools.select("id", F.struct("orgname", "externalid", *KINDS).alias("school"))
    member = tables["user_organisation"].where(~is_true("isdeleted"))
    member = member.join(F.broadcast(schools), F.col("organisationid") == F.col("id"))
    member = member.groupBy("userid").agg(F.min_by("school", "organisationid").alias("school"))

    info = F.from_json(
        "userinfo", "`declared-school-name` string, `declared-school-udise-code` string"
    )
    rank = F.struct(~F.col("status").eqNullSafe("VALIDATED"), "persona", "orgid")
    declared = tables["user_declarations"].select("userid", info.alias("info"), rank.alias("rank"))
    declared = declared.groupBy("userid").agg(F.min_by("info", "rank").alias("declared"))

    roots = tables["organisation"].select(F.col("id").alias("rootorgid"), "orgname")
    settings = tables["system_settings"].where("id = 'custodianOrgId'")
    [custodian] = settings.select("value").head(1)
    is_custodian = F.coalesce(F.col("rootorgid") == F.lit(custodian[0]), F.lit(False))
    users = tables["user"].withColumn("itself", is_custodian)
    for table in [own, member, declared]:
        users = users.join(table, "userid", "left")
    users = users.withColumn("school", F.when(~F.col("itself"), F.col("school")))
    roles = F.from_json("profileusertypes", "array<struct<type: string, subType: string>>")
    board = F.from_json("framework", "board array<string>")["board"]

    def location(kind: str) -> Column:
        return F.coalesce(F.col(f"own.{kind}"), F.col(f"school.{kind}"))

    def school(declared: str, field: str) -> Column:
        return F.when(F.col("itself"), F.col("declared")[declared]).otherwise(
            F.col("school")[field]
        )

    def listed(key: str) -> Column:
        return F.array_join(F.array_distinct(F.filter(roles[key], lambda role: role != "")), ",")

    return users.join(F.broadcast(roots), "rootorgid", "left").select(
        "userid",
        location("state").alias("State"),
        location("district").alias("District"),
        F.col("orgname").alias("Org Name"),
        school("declared-school-udise-code", "externalid").alias("School ID"),
        school("declared-school-name", "orgname").alias("School Name"),
        F.when(~F.col("itself"), F.coalesce("school.block", "own.block")).alias("Block Name"),
        location("cluster").alias("Cluster Name"),
        listed("type").alias("User Type"),
        listed("subType").alias("User Sub Type"),
        F.get(board, F.lit(0)).alias("Declared Board"),
    )


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


def percent_up(score: str, maximum: str) -> Column:
    """Whole percent, rounded up, of integers."""
    return F.expr(f"concat((100 * {score} + {maximum} - 1) div {maximum}, '%')")


def with_progress(enrolments: DataFrame, mandatory: list[str]) -> DataFrame:
    """Returns the learners of a batch with their dates, certificate and progress."""
    status = F.from_json("contentstatus", "map<string, int>")
    done = F.map_keys(F.map_filter(status, lambda _, value: value == 2))
    count = F.coalesce(F.size(F.array_intersect(done, F.lit(mandatory))), F.lit(0))
    whole = len(mandatory)
    share = F.floor((200 * count + whole) / F.lit(2 * whole)) if whole else F.lit(0)
    has_one = F.lit(False)
    for column in ["issued_certificates", "certificates"]:
        has_one |= F.coalesce(~F.col(column).isin("[]", "{}"), F.lit(False))
    return (
        enrolments.where(is_true("active"))
        .select(
            "userid",
            F.coalesce(to_date("enrolled_date"), to_date("enrolleddate")).alias("Enrolment Date"),
            to_date("completedon").alias("Completion Date"),
            F.when(has_one, "Issued").alias("Certificate Status"),
            F.when(to_date("completedon").isNotNull(), 100).otherwise(share).alias("Progress"),
        )
        .where("`Enrolment Date` is not null")
    )


def best_scores(attempts: DataFrame, learners: DataFrame, assessments: list[str]) -> DataFrame:
    """Total score and a column per assessment, of the best attempts of a batch's learners."""
    attempts = attempts.where(F.col("content_id").isin(assessments)).select(
        F.col("user_id").alias("userid"),
        "content_id",
        # Decimals of six decimal places, as integers.
        *[
            (F.col(name).try_cast("decimal(18, 6)") * 1_000_000).cast("long").alias(name)
            for name in ["total_score", "total_max_score"]
        ],
    )
    attempts = attempts.where("total_score >= 0 and total_max_score > 0")
    attempts = attempts.join(learners.select("userid").hint("shuffle_hash"), "userid")
    best = Window.partitionBy("userid", "content_id")
    best = best.orderBy(F.desc("total_score"), F.asc("total_max_score"))
    learner = Window.partitionBy("userid")
    return (
        attempts.withColumn("attempt_rank", F.row_number().over(best))
        .where("attempt_rank = 1")
        .withColumn("agg_score", F.sum("total_score").over(learner))
        .withColumn("agg_max_score", F.sum("total_max_score").over(learner))
        .withColumn("Total Score", percent_up("agg_score", "agg_max_score"))
        .withColumn("content_score", F.concat("content_id", F.lit(" - Score")))
        .groupBy("userid", "Total Score")
        .pivot("content_score", [f"{assessment} - Score" for assessment in assessments])
        .agg(F.first(percent_up("total_score", "total_max_score")))
    )


def write_batch(batch: Any, hierarchy: dict[str, Any], tables: Tables, out: Path) -> None:
    """One CSV file, in order of user ids."""
    mandatory, assessments = course_of(hierarchy)
    enrolments = tables["user_enrolments"].where(
        (F.col("batchid") == batch.batchid) & (F.col("courseid") == batch.courseid)
    )
    attempts = tables["assessment_aggregator"].where(
        (F.col("batch_id") == batch.batchid) & (F.col("course_id") == batch.courseid)
    )
    # The few learners of the batch are hashed, and the cache runs past them unsorted.
    learners = with_progress(enrolments, mandatory).hint("shuffle_hash")
    learners = learners.join(tables["profiles"], "userid", "left").persist()
    constants = {
        "Collection ID": batch.courseid,
        "Collection Name": hierarchy["name"],
        "Batch ID": batch.batchid,
        "Batch Name": batch.name,
    }
    part = out / ".scratch" / batch.batchid
    (
        learners.join(best_scores(attempts, learners, assessments), "userid", "left")
        .withColumns({name: F.lit(value) for name, value in constants.items()})
        .withColumnRenamed("userid", "User UUID")
        .select(*COLUMNS, *[f"`{assessment} - Score`" for assessment in assessments])
        .coalesce(1)
        .sortWithinPartitions("User UUID")
        .write.csv(
            str(part),
            header=True,
            escape='"',
            emptyValue="",
            ignoreLeadingWhiteSpace=False,
            ignoreTrailingWhiteSpace=False,
        )
    )
    learners.unpersist()
    next(part.glob("part-*.csv")).rename(out / f"{batch.batchid}.csv")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("extract", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--batches", type=int, help="Only the first ones, by id.")
    arguments = parser.parse_args()
    extract, out = arguments.extract.resolve(), arguments.out.resolve()
    scratch = out / ".scratch"
    scratch.mkdir(parents=True)

    spark = open_spark(scratch)
    java = spark._jvm
    assert java
    launched = java.java.lang.management.ManagementFactory.getRuntimeMXBean().getStartTime()
    marks = [launched / 1000, time.time()]
    tables = {table: land(spark, extract, table, scratch / "raw") for table in TABLES}
    marks.append(time.time())

    make_profiles(tables).write.parquet(str(scratch / "profiles"))
    profiles = spark.read.parquet(str(scratch / "profiles"))
    cores = spark.sparkContext.defaultParallelism
    tables["profiles"] = profiles.repartition(cores, "userid").persist()
    tables["profiles"].count()
    marks.append(time.time())

    hierarchies = {
        row.identifier: json.loads(row.hierarchy) for row in tables["content_hierarchy"].collect()
    }
    batches = tables["course_batch"].orderBy("batchid").collect()[: arguments.batches]
    per_batch = []
    for batch in batches:
        start = time.time()
        write_batch(batch, hierarchies[batch.courseid], tables, out)
        per_batch.append(time.time() - start)
    marks.append(time.time())
    spark.stop()
    shutil.rmtree(scratch)

    names = ["start", "read", "profiles", "batches"]
    phases = {name: b - a for name, (a, b) in zip(names, pairwise(marks), strict=True)}
    rounded = {name: round(seconds, 3) for name, seconds in phases.items()}
    first = [round(seconds, 3) for seconds in per_batch[:5]]
    print(json.dumps({**rounded, "per_batch": first, "count": len(batches)}))


if __name__ == "__main__":
    main()
