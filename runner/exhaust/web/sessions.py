"""Sessions, kept on the server's side: the browser has only a random ID."""

import hashlib
import secrets
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from exhaust.console import SYSTEM_CLOCK, Clock
from exhaust.web.identity import Person

DURATION = timedelta(hours=8)
MAX_SESSIONS = 10_000


@dataclass(frozen=True)
class Session:
    id: str
    person: Person
    ends_at: datetime


class Sessions:
    """The sessions of a server. They end with the server, after eight hours, and by signing out."""

    def __init__(self, clock: Clock = SYSTEM_CLOCK, duration: timedelta = DURATION) -> None:
        self._clock = clock
        self._duration = duration
        self._instance = secrets.token_hex(4)
        """Tells the cookies of this server from those of an earlier one on the same port."""
        self._lock = threading.Lock()
        self._sessions: dict[bytes, Session] = {}

    def start(self, person: Person) -> Session:
        """Starts a session with a new ID; the oldest ends if there are too many."""
        session_id = f"{self._instance}.{secrets.token_urlsafe(32)}"
        session = Session(session_id, person, self._clock.now() + self._duration)
        with self._lock:
            self._forget_ended()
            if len(self._sessions) >= MAX_SESSIONS:
                del self._sessions[next(iter(self._sessions))]
            self._sessions[_key(session.id)] = session
        return session

    def find(self, session_id: str) -> Session | None:
        with self._lock:
            session = self._sessions.get(_key(session_id))
        return session if session and session.ends_at > self._clock.now() else None

    def end(self, session_id: str) -> None:
        with self._lock:
            self._sessions.pop(_key(session_id), None)

    def _forget_ended(self) -> None:
        now = self._clock.now()
        for key in [key for key, one in self._sessions.items() if one.ends_at <= now]:
            del self._sessions[key]


def _key(session_id: str) -> bytes:
    """Returns a hash: how long a look-up takes says nothing about the IDs of others."""
    return hashlib.sha256(session_id.encode()).digest()
