"""A pooler of connections to Postgres in transaction mode, as PgBouncer is, for the tests.

Each transaction of a client may run in another session of the server; sessions are shared by all
clients, and keep whatever a transaction leaves in them. Clients connect without a password.
"""

import contextlib
import secrets
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from queue import Queue
from select import select
from typing import Self

PORT = 6432
PROTOCOL = 196608
SSL, GSS, CANCEL = 80877103, 80877104, 80877102
READY = b"Z"
IDLE = b"I"
MAKES_READY = (b"Q", b"S", b"F")
"""Messages of a client that the server answers with ReadyForQuery."""


def read_exactly(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        chunk = connection.recv(size - len(data))
        if not chunk:
            raise ConnectionResetError
        data += chunk
    return data


def read_message(connection: socket.socket) -> tuple[bytes, bytes]:
    """Returns the type and the content of a message."""
    head = read_exactly(connection, 5)
    (size,) = struct.unpack("!i", head[1:])
    return head[:1], read_exactly(connection, size - 4)


def message(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("!i", len(content) + 4) + content


def startup(**parameters: str) -> bytes:
    content = struct.pack("!i", PROTOCOL)
    for name, value in parameters.items():
        content += f"{name}\0{value}\0".encode()
    return message(b"", content + b"\0")


class Session:
    """A connection to the server."""

    def __init__(self, server: str, user: str, database: str) -> None:
        self.connection = socket.socket(socket.AF_UNIX)
        self.connection.connect(f"{server}/.s.PGSQL.5432")
        self.connection.sendall(startup(user=user, database=database))
        self.greeting: list[tuple[bytes, bytes]] = []
        """What the server says about itself."""
        self.key = b""
        while (received := read_message(self.connection))[0] != READY:
            if received[0] == b"E":
                raise AssertionError(received[1])
            if received[0] == b"K":
                self.key = received[1]
            elif received[0] == b"S":
                self.greeting.append(received)


@dataclass
class Pooler:
    """A pooler that is listening."""

    folder: Path
    """The folder of its socket, to give as the host."""
    server: str
    """The folder of the server's socket."""
    size: int
    """The number of sessions for each user and database."""
    pools: dict[tuple[str, str], Queue[Session | None]] = field(default_factory=dict)
    running: dict[bytes, Session] = field(default_factory=dict)
    """The session of each client that is in a transaction, by the client's key."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    @contextlib.contextmanager
    def listening(cls, folder: Path, server: str, size: int) -> Iterator[Self]:
        pooler = cls(folder, server, size)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(f"{folder}/.s.PGSQL.{PORT}")
            listener.listen(64)
            threading.Thread(target=pooler._accept, args=[listener], daemon=True).start()
            yield pooler
            listener.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=self._serve, args=[client], daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(ConnectionError):
            while True:
                (size,) = struct.unpack("!i", read_exactly(client, 4))
                content = read_exactly(client, size - 4)
                (code,) = struct.unpack("!i", content[:4])
                if code == CANCEL:
                    self._cancel(content[4:])
                    return
                if code not in (SSL, GSS):
                    break
                client.sendall(b"N")
            texts = content[4:].decode().split("\0")
            asked = dict(zip(texts[::2], texts[1::2], strict=False))
            self._serve_client(client, (asked["user"], asked.get("database", asked["user"])))

    def _cancel(self, key: bytes) -> None:
        if session := self.running.get(key):
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(f"{self.server}/.s.PGSQL.5432")
                connection.sendall(message(b"", struct.pack("!i", CANCEL) + session.key))
                connection.recv(1)

    def _serve_client(self, client: socket.socket, pool: tuple[str, str]) -> None:
        key = secrets.token_bytes(8)
        session = self._take(pool)
        greeting = [(b"R", struct.pack("!i", 0)), *session.greeting, (b"K", key), (READY, IDLE)]
        self.pools[pool].put(session)
        client.sendall(b"".join(message(*part) for part in greeting))
        while True:
            first = read_message(client)
            if first[0] == b"X":
                return
            self._run_transaction(client, pool, key, first)

    def _take(self, pool: tuple[str, str]) -> Session:
        with self.lock:
            if pool not in self.pools:
                self.pools[pool] = Queue()
                for _ in range(self.size):
                    self.pools[pool].put(None)
        return self.pools[pool].get() or Session(self.server, *pool)

    def _run_transaction(
        self, client: socket.socket, pool: tuple[str, str], key: bytes, first: tuple[bytes, bytes]
    ) -> None:
        session = self._take(pool)
        self.running[key] = session
        whole: Session | None = None
        try:
            session.connection.sendall(message(*first))
            relay(client, session.connection, unanswered=first[0] in MAKES_READY)
            whole = session
        finally:
            del self.running[key]
            if whole is None:
                session.connection.close()
            self.pools[pool].put(whole)


def relay(client: socket.socket, server: socket.socket, unanswered: int) -> None:
    """Passes messages on in both directions until the transaction has ended."""
    while True:
        readable, _, _ = select([client, server], [], [])
        if server in readable:
            kind, content = read_message(server)
            client.sendall(message(kind, content))
            if kind == READY:
                unanswered -= 1
                if unanswered <= 0 and content == IDLE:
                    return
        elif client in readable:
            kind, content = read_message(client)
            if kind == b"X":
                raise ConnectionResetError
            server.sendall(message(kind, content))
            unanswered += kind in MAKES_READY
