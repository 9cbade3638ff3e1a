"""Runs cases and judges them."""

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
"""An independent program: the reports that an extract of dsbulk's CSV has to give."""


class Finding(NamedTuple):
    kind: str
    """One of KINDS."""
    what: str


class Late(BaseException):
    """A case takes too long. No handler of errors may take it for one."""


class Fuzzer:
    """Takes cases through engines and keeps the extracts of those that find something."""

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
        """What is wrong in a case; nothing if all engines refuse it alike, or agree."""
        running = _emptied((self._kept or self._work) / f"running-{os.getpid()}")
        # If the process itself does not survive, this is left behind.
        _tell(running, case, "It did not end.")
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
            outcome, is_late = self._timed(engine, extract)
            outcomes[engine.name] = outcome
            if is_late:
                findings.append(Finding("hang", f"on {engine.name}: over {self._seconds:.0f} s"))
            elif outcome.crash:
                findings.append(Finding("traceback", outcome.crash))
        return findings, outcomes

    def _timed(self, engine: Engine, extract: Path) -> tuple[Outcome, bool]:
        reports = _emptied(self._work / f"reports-{engine.name}")
        clock = Clock()
        try:
            with deadline(self._seconds, clock, engine.interrupt):
                return engine.run(extract, reports), clock.is_late
        except BaseException:
            # An engine that is interrupted may tell of it by an error of its own.
            if not clock.is_late:
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
            Finding("test failed", f"on {name}: {', '.join(outcome.broken)}")
            for name, outcome in outcomes.items()
            if outcome.broken
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
        """Tables of which something else landed than was written."""
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
        """The keys as they have to land, sorted; none if the table has others."""
        columns = [column.lower() for column in tables[name].columns]
        key = self._sources[name].key
        if not set(key) <= set(columns):
            return []
        places = [columns.index(column) for column in key]
        nothing = ("", None) if case.form in WITHOUT_EMPTY_TEXTS else (None,)
        return sorted(
            (
                tuple(
                    None if row[place] in nothing else dsbulk_cell(row[place]) for place in places
                )
                for row in tables[name].rows
            ),
            key=repr,
        )

    def _compare(self, case: Case, baseline: Tables, outcome: Outcome) -> Iterator[Finding]:
        """What differs from the reports of the same data as dsbulk writes it."""
        folder = write_extract(_emptied(self._work / "baseline"), baseline)
        expected, is_late = outcome, False
        if case.files != extract_files(baseline):
            # The engines agree; the last one is the fastest.
            expected, is_late = self._timed(self._engines[-1], folder)
        if expected.crash or is_late:
            yield Finding("traceback", f"as dsbulk writes it: {expected.crash or 'too late'}")
        elif (expected.refusal or "").startswith("load") or (expected.refusal and outcome.refusal):
            # What is refused in both forms gives no wrong report in either.
            return
        elif (expected.refusal, expected.reports) != (outcome.refusal, outcome.reports):
            where = _difference(expected, outcome, ("refusal", "reports"))
            yield Finding("difference", f"dsbulk and this form: {where}")
        elif self._oracle and not outcome.refusal and not _holds_literals(baseline):
            told = Outcome(reports=self._oracle(folder))
            if told.reports != outcome.reports:
                where = _difference(told, outcome, ("reports",))
                yield Finding("difference", f"oracle and exhaust: {where}")

    def _keep(self, case: Case, findings: Sequence[Finding], running: Path) -> None:
        assert self._kept
        if case.baseline:
            write_extract(running / "baseline", case.baseline)
        _tell(running, case, *(f"{finding.kind}: {finding.what}" for finding in findings))
        folder = self._kept / f"case-{case.number}"
        shutil.rmtree(folder, ignore_errors=True)
        running.rename(folder)


def _emptied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _tell(folder: Path, case: Case, *told: str) -> None:
    text = "\n\n".join([str(case), *told])
    (folder / "finding.txt").write_text(f"{text}\n", "utf-8", "backslashreplace")


class Clock:
    is_late = False


@contextmanager
def deadline(seconds: float, clock: Clock, interrupt: Callable[[], None]) -> Iterator[None]:
    """Raises Late when the time is over, and interrupts the engine, which does not hear of signals.

    Ends the process, with all its stacks, if that does not help in as long again.
    """

    def ring(number: int, frame: FrameType | None) -> None:
        clock.is_late = True
        raise Late

    before = signal.signal(signal.SIGALRM, ring)
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
    """Whether a text may be a collection in CQL's or Python's notation: the oracle reads JSON."""
    begins = ("{'", "['", "[{'", "OrderedMap", "[OrderedMap")
    return any(
        isinstance(value, str) and value.startswith(begins)
        for table in tables.values()
        for row in table.rows
        for value in row
    )


def _difference(one: Outcome, other: Outcome, names: Sequence[str] = COMPARED) -> str:
    """Where two outcomes differ first."""
    for name in names:
        ours, theirs = getattr(one, name), getattr(other, name)
        if ours == theirs:
            continue
        if isinstance(ours, dict):
            key = next(key for key in {**ours, **theirs} if ours.get(key) != theirs.get(key))
            name, ours, theirs = f"{name} of {key}", ours.get(key), theirs.get(key)
        if isinstance(ours, bytes) and isinstance(theirs, bytes):
            ours, theirs = (text.decode(errors="backslashreplace") for text in (ours, theirs))
        return "{}: {!r} and {!r}".format(name, *_parting(str(ours), str(theirs)))
    return "nothing"


BEFORE, AFTER = 200, 400
"""Letters that are told of two texts, around the place from where on they differ."""


def _parting(one: str, other: str) -> tuple[str, str]:
    pairs = enumerate(zip(one, other, strict=False))
    at = next((at for at, pair in pairs if pair[0] != pair[1]), min(len(one), len(other)))
    begin = max(at - BEFORE, 0)
    return one[begin : at + AFTER], other[begin : at + AFTER]


def run_cases(
    fuzzer: Fuzzer,
    cases: Iterable[Case],
    say: Callable[[str], None],
    until: float,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Runs cases until they end or the clock is at `until`, and says what is found."""
    for case in cases:
        if clock() >= until:
            return
        for finding in fuzzer.run(case):
            say(f"{case}\n  {finding.kind}: {finding.what}")
        if fuzzer.counts["cases"] % 50 == 0:
            say(summary(fuzzer.counts))


def summary(counts: Counter[str]) -> str:
    """The counts in a line."""
    return ", ".join(f"{kind}: {counts[kind]}" for kind in ("cases", "refused", "loaded", *KINDS))
