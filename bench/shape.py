"""The size of an extract of the benchmark, and the IDs in it."""

from dataclasses import dataclass
from hashlib import md5
from uuid import UUID


@dataclass(frozen=True)
class Shape:
    """The size of an extract."""

    enrolments: int
    users: int = 0
    """0 means as many as enrolments. At least as many as the largest batch has learners."""
    courses: int = 1
    batches: int = 1
    """Total over all courses, which take turns."""
    skew: float = 0.0
    """The n-th batch has n^-skew times the learners of the first. 0 makes all batches equal."""
    contents: int = 40
    """Contents per course, including assessments."""
    assessments: int = 10
    attempts: int = 7
    """Attempts per learner and batch."""
    schools: int = 20_000
    seed: int = 1

    @property
    def user_count(self) -> int:
        """The number of users."""
        return self.users or self.enrolments

    def user_id(self, number: int) -> str:
        """Returns the ID of a user, as the tables have it. User 0 mentors all batches."""
        digest = md5(f"user/{number}/{self.seed}".encode(), usedforsecurity=False)
        return str(UUID(digest.hexdigest()))

    def creator(self, course: int) -> str:
        """Returns the ID of the creator of a course; each has twice the courses of another."""
        return self.user_id(course.bit_length() % self.user_count)

    def batch_sizes(self) -> list[int]:
        """Returns the learners per batch. The first batches get what rounding leaves."""
        weights = [(n + 1) ** -self.skew for n in range(self.batches)]
        whole = sum(weights)
        sizes = [int(self.enrolments * weight / whole) for weight in weights]
        for n in range(self.enrolments - sum(sizes)):
            sizes[n % self.batches] += 1
        return sizes


def course_id(course: int) -> str:
    return f"do_31{_moment(course)}{course:016d}"


def batch_id(batch: int) -> str:
    return f"01{_moment(batch)}{batch:015d}"


def _moment(number: int) -> int:
    """Returns the time part of an ID, one of 140 fortnights. Sunbird's IDs begin with their
    time."""
    return 250 + number * 37 % 140
