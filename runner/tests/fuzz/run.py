"""Runs cases and judges the outcomes."""

import faulthandler
import os
import shutil
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NamedTuple

from writers import Tables, extract_files, write_extract, write_files
from writers.delimited import dsbulk_cell

from exhaust.project.sources import SourceTable
from fuzz.cases import WITHOUT_EMPTY_TEXTS, Case
from fuzz.engines import COMPARED, Engine, Keys, Outcome, Reports

KINDS = ("traceback", "hang", "difference", "rows unaccounted for", "test failed")

Oracle = Callable[[Path], Reports]
"""An independent program that makes the reports of an extract in dsbulk's CSV."""


class Finding(NamedTuple):
    kind: str
    """One of KINDS."""
    what: str


class CaseTimeout(BaseException):
    """A case takes too long. It is a BaseException so that no error handler catches it."""


class Fuzzer:
    """Takes cases through engines and keeps the extracts that led to findings."""

    def __init__(
        self,
        engines: Sequence[Engine],
        sources: Sequence[SourceTable],
        work: Path,
        *,
        kept: Path | None = None,
        seconds: float = 60.0,
        oracle: Oracle | None = None,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._engines = engines
        self._sources = {source.name: source for source in sources}
        self._work = work
        self._kept = kept
        self._seconds = seconds
        self._oracle = oracle

    def run(self, case: Case) -> list[Finding]:
        """Returns the findings in a case; none if all engines agree or refuse it in the same
        way."""
        running = _emptied((self._kept or self._work) / f"running-{os.getpid()}")
        # If the process itself dies, this remains.
        _write_finding(running, case, "It did not finish.")
        extract = write_files(running / "extract", case.files)
        findings, outcomes = self._run_all(extract)
        if not findings:
            findings = self._judge(case, outcomes)
        if findings and self._kept:
            self._keep(case, findings, running)
        shutil.rmtree(running, ignore_errors=True)
        self.counts["cases"] += 1
        refused = any(outcome.refusal for outcome in outcomes.values())
        self.counts["refused" if refused else "loaded"] += 1
        self.counts.update({finding.kind for finding in findings})
        return findings

    def _run_all(self, extract: Path) -> tuple[list[Finding], dict[str, Outcome]]:
        findings: list[Finding] = []
        outcomes = {}
        for engine in self._engines:
            outcome, has_timed_out = self._timed(engine, extract)
            outcomes[engine.name] = outcome
            if has_timed_out:
                findings.append(Finding("hang", f"on {engine.name}: over {self._seconds:.0f} s"))
            elif outcome.crash:
                findings.append(Finding("traceback", outcome.crash))
        return findings, outcomes

    def _timed(self, engine: Engine, extract: Path) -> tuple[Outcome, bool]:
        reports = _emptied(self._work / f"reports-{engine.name}")
        clock = CaseClock()
        try:
            with deadline(self._seconds, clock, engine.interrupt):
                return engine.run(extract, reports), clock.has_timed_out
        except BaseException:
            # An interrupted engine may raise its own error.
            if not clock.has_timed_out:
                raise
        return Outcome(), True

    def _judge(self, case: Case, outcomes: Mapping[str, Outcome]) -> list[Finding]:
        names = list(outcomes)
        first = outcomes[names[0]]
        findings = [
            Finding("difference", f"{names[0]} and {name}: {_difference(first, outcomes[name])}")
            for name in names[1:]
            if first.differs_from(outcomes[name])
        ]
        findings += [
            Finding("rows unaccounted for", f"on {name}: {what}")
            for name, outcome in outcomes.items()
            for what in outcome.unaccounted
        ]
        findings += [
            Finding("test failed", f"on {name}: {', '.join(outcome.failed_model_tests)}")
            for name, outcome in outcomes.items()
            if outcome.failed_model_tests
        ]
        if case.tables and not (first.refusal or "").startswith("load"):
            findings += [
                Finding("rows unaccounted for", what)
                for what in self._not_landed(case, case.tables, first)
            ]
        if case.baseline and not findings:
            findings += self._compare(case, case.baseline, first)
        return findings

    def _not_landed(self, case: Case, tables: Tables, outcome: Outcome) -> Iterator[str]:
        """Yields the tables whose landed rows differ from the written ones."""
        for name, table in tables.items():
            if outcome.rows.get(name) != len(table.rows):
                yield f"{name}: {len(table.rows)} rows written, {outcome.rows.get(name)} loaded"
                continue
            is_comparable = case.baseline and not case.has_other_names
            written = self._written_keys(case, tables, name) if is_comparable else []
            pairs = zip(written, outcome.keys[name], strict=False)
            wrong = next((pair for pair in pairs if pair[0] != pair[1]), None)
            if wrong:
                yield f"{name}: key {wrong[0]!r} written, {wrong[1]!r} landed"

    def _written_keys(self, case: Case, tables: Tables, name: str) -> Keys:
        """Returns the keys that must land, sorted; none if the table has other key columns."""
        columns = [column.lower() for column in tables[name].columns]
        key = self._sources[name].key
        if not set(key) <= set(columns):
            return []
        indexes = [columns.index(column) for column in key]
        nulls = ("", None) if case.form in WITHOUT_EMPTY_TEXTS else (None,)
        return sorted(
            (
                tuple(None if row[index] in nulls else dsbulk_cell(row[index]) for index in indexes)
                for row in tables[name].rows
            ),
            key=repr,
        )

    def _compare(self, case: Case, baseline: Tables, outcome: Outcome) -> Iterator[Finding]:
        """Yields differences from the reports of the same data in dsbulk's form."""
        folder = write_extract(_emptied(self._work / "baseline"), baseline)
        expected, has_timed_out = outcome, False
        if case.files != extract_files(baseline):
            # The engines agree; the last one is the fastest.
            expected, has_timed_out = self._timed(self._engines[-1], folder)
        if expected.crash or has_timed_out:
            yield Finding("traceback", f"with dsbulk's form: {expected.crash or 'timed out'}")
        elif (expected.refusal or "").startswith("load") or (expected.refusal and outcome.refusal):
            # If both forms are refused, neither gives a wrong report.
            return
        elif (expected.refusal, expected.reports) != (outcome.refusal, outcome.reports):
            where = _difference(expected, outcome, ("refusal", "reports"))
            yield Finding("difference", f"dsbulk and this form: {where}")
        elif self._oracle and not outcome.refusal and not _holds_literals(baseline):
            oracle = Outcome(reports=self._oracle(folder))
            if oracle.reports != outcome.reports:
                where = _difference(oracle, outcome, ("reports",))
                yield Finding("difference", f"oracle and exhaust: {where}")

    def _keep(self, case: Case, findings: Sequence[Finding], running: Path) -> None:
        assert self._kept
        if case.baseline:
            write_extract(running / "baseline", case.baseline)
        _write_finding(running, case, *(f"{finding.kind}: {finding.what}" for finding in findings))
        folder = self._kept / f"case-{case.number}"
        shutil.rmtree(folder, ignore_errors=True)
        running.rename(folder)


def _emptied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _write_finding(folder: Path, case: Case, *findings: str) -> None:
    text = "\n\n".join([str(case), *findings])
    (folder / "finding.txt").write_text(f"{text}\n", "utf-8", "backslashreplace")


class CaseClock:
    """Remembers whether a case has timed out."""

    has_timed_out = False


@contextmanager
def deadline(seconds: float, clock: CaseClock, interrupt: Callable[[], None]) -> Iterator[None]:
    """Raises CaseTimeout after some seconds, and interrupts the engine, which ignores signals.

    If the engine does not stop within the same time again, it ends the process with all tracebacks.
    """

    def time_out(number: int, frame: FrameType | None) -> None:
        clock.has_timed_out = True
        raise CaseTimeout

    before = signal.signal(signal.SIGALRM, time_out)
    timer = threading.Timer(seconds, interrupt)
    try:
        timer.start()
        faulthandler.dump_traceback_later(2 * seconds + 10, exit=True)
        signal.setitimer(signal.ITIMER_REAL, seconds)
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        faulthandler.cancel_dump_traceback_later()
        timer.cancel()
        signal.signal(signal.SIGALRM, before)


def _holds_literals(tables: Tables) -> bool:
    """Whether a text may be a CQL or Python collection. The oracle reads only JSON."""
    prefixes = ("{'", "['", "[{'", "OrderedMap", "[OrderedMap")
    return any(
        isinstance(value, str) and value.startswith(prefixes)
        for table in tables.values()
        for row in table.rows
        for value in row
    )


def _difference(one: Outcome, other: Outcome, names: Sequence[str] = COMPARED) -> str:
    """Returns the first difference between two outcomes."""
    for name in names:
        ours, theirs = getattr(one, name), getattr(other, name)
        if ours == theirs:
            continue
        if isinstance(ours, dict):
            key = next(key for key in {**ours, **theirs} if ours.get(key) != theirs.get(key))
            name, ours, theirs = f"{name} of {key}", ours.get(key), theirs.get(key)
        if isinstance(ours, bytes) and isinstance(theirs, bytes):
            ours, theirs = (text.decode(errors="backslashreplace") for text in (ours, theirs))
        return "{}: {!r} and {!r}".format(name, *_excerpts_at_difference(str(ours), str(theirs)))
    return "nothing"


BEFORE, AFTER = 200, 400
"""Characters shown before and after the position where two texts begin to differ."""


def _excerpts_at_difference(one: str, other: str) -> tuple[str, str]:
    pairs = enumerate(zip(one, other, strict=False))
    offset = next(
        (offset for offset, pair in pairs if pair[0] != pair[1]), min(len(one), len(other))
    )
    begin = max(offset - BEFORE, 0)
    return one[begin : offset + AFTER], other[begin : offset + AFTER]


def run_cases(
    fuzzer: Fuzzer,
    cases: Iterable[Case],
    report: Callable[[str], None],
    end_time: float,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Runs cases until they end or the clock reaches the deadline, and reports the findings."""
    for case in cases:
        if clock() >= end_time:
            return
        for finding in fuzzer.run(case):
            report(f"{case}\n  {finding.kind}: {finding.what}")
        if fuzzer.counts["cases"] % 50 == 0:
            report(summary(fuzzer.counts))


def summary(counts: Counter[str]) -> str:
    """Returns the counts in one line."""
    return ", ".join(f"{kind}: {counts[kind]}" for kind in ("cases", "refused", "loaded", *KINDS))
