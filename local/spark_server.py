"""Keeps one Spark warm for all commands of this checkout, as an all-purpose cluster does.

Usage: python local/spark_server.py

It says "listening" once it can be asked, on the Unix socket that `.venv/spark.json` names; or "running", and ends,
where another one can be asked already. A client's first line says what it wants:

    {"open": {"tables": "/.../tables", "command": "track T1", "pid": 7, "idle_minutes": 20}}
    {"status": {}}
    {"stop": {}}

The answer to `open` is {"welcome": true} at once, or {"refused": "why"}, then {"ready": true} when Spark is warm, or
{"failed": "why"} where it cannot read what is in the home; what follows is in `kernel.py`. Whatever a client asked for
ends with its connection.

This process only watches over others and waits for none of them: Spark itself is a Java process, and each client is
served by a fork of this one. A fork has Python's part of Spark imported already, can be killed without harm to others,
and takes along what notebooks imported. See docs/decisions/warm-spark.md.
"""

import contextlib
import fcntl
import getpass
import hashlib
import json
import os
import secrets
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import delta.tables  # noqa: F401 - what a notebook needs is there at once where it was imported before the fork
import kernel
import pandas  # type: ignore[import-untyped]  # noqa: F401 - PySpark imports it when it is first used, for 0.3 s
import spark_process
from spark_session import are_replaced, tables_on_disk

LOCAL = Path(__file__).resolve().parent
ENVIRONMENT = Path(sys.prefix)

#: Tells clients where the server is.
ADDRESS = ENVIRONMENT / "spark.json"

#: What Java and this process print.
LOG = ENVIRONMENT / "spark.log"

#: What the set-up writes last. Who has locked it is the only server of this checkout.
_LOCKED = ENVIRONMENT / "installed"

#: In bytes; longer, and a socket in a folder of its own in there would have a name that is too long for it.
_LONGEST_FOLDER = 60

#: In the folder of a server, which it has to itself.
_SOCKET = "socket"

#: How long a server that is about to end may take to let go of the lock; longer, and it is hung.
_PATIENCE_WITH_OTHERS_SECONDS = 3

#: How long one that has ended all it served may take to be gone.
_PATIENCE_WITH_AN_END_SECONDS = 30

#: How long Java may take to answer, or to end what a client that is gone has begun; longer, and it is hung.
_PATIENCE_WITH_JAVA_SECONDS = 6

#: How long Java may take to start, also on a machine that has much else to do.
_PATIENCE_WITH_LAUNCH_SECONDS = 60

#: What a client says of itself that is to be served.
_OF_OPEN: dict[str, Callable[[Any], Any]] = {"tables": str, "command": str, "pid": int, "idle_minutes": float}

_BETWEEN_QUESTIONS_SECONDS = 2
_TICK_SECONDS = 1


@dataclass(eq=False)
class Fork:
    """A process that this one made.

    Attributes:
        pid: Its number.
        reports: A pipe that it writes JSON lines to, and whose end is the process's end.
        on_report: Gets each of them.
        on_end: Is told whether it did what it was made for.
        deadline: When it is killed.
        unread: The beginning of a line.
    """

    pid: int
    reports: int
    on_report: Callable[[dict[str, Any]], None]
    on_end: Callable[[bool], None]
    deadline: float | None
    unread: bytes = b""


@dataclass(eq=False)
class Client:
    """A client whose first line has been read.

    Attributes:
        connection: The connection to it, which ends when nothing is left of what it began.
        asked: What it asked for.
        since: When it came, in seconds since the epoch.
        works: Whether it is waiting for the answer to a request.
        job_group: What its Spark jobs are called.
        thread: The thread in Java that serves it.
    """

    connection: socket.socket
    asked: dict[str, Any]
    since: float
    works: bool = False
    job_group: str = ""
    thread: int = 0


@dataclass
class Home:
    """The tables of a home, as Java knows them.

    Attributes:
        session: The name of its session in Java.
        tables: What was on the disk when a client of this server last looked.
        clients: Those that are served.
        waiting: Those that wait until nobody opens the home or clears up in it.
        closed_by: What opens it, or clears up after a client that is gone.
    """

    session: str | None = None
    tables: dict[str, Any] = field(default_factory=dict)
    clients: list[Client] = field(default_factory=list)
    waiting: list[Client] = field(default_factory=list)
    closed_by: set[object] = field(default_factory=set)


def fingerprint() -> str:
    """Tell the code and the Python environment that a server runs with from any other."""
    digest = hashlib.sha256(str(LOCAL).encode())
    for file in [_LOCKED, *sorted(file for file in LOCAL.iterdir() if file.is_file())]:
        digest.update(file.name.encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


class SparkServer:
    """One Spark, its clients and their homes; a loop over sockets and pipes that never waits for one of them."""

    def __init__(self, directory: Path, listener: socket.socket) -> None:
        """Launch Java.

        Args:
            directory: A folder of this user's alone, which is removed in the end.
            listener: Where clients come in.
        """
        self._directory = directory
        self._listener = listener
        self._fingerprint = fingerprint()
        self._started = time.time()
        self._launched = time.monotonic()
        self._java = spark_process.launch(directory)
        self._homes: dict[str, Home] = {}
        self._forks: list[Fork] = []
        self._beginning: dict[socket.socket, bytes] = {}
        self._ending: list[socket.socket] = []
        self._idle_minutes = 1.0  # Whoever started it comes at once.
        self._idle_since = time.monotonic()
        self._ask_java_at = 0.0
        self._ends = False
        self._selector = selectors.DefaultSelector()
        self._selector.register(listener, selectors.EVENT_READ, self._accept)

    def run(self) -> None:
        """Serve until it is time to end; then end Java and everybody who is still served."""
        while not self._ends:
            for key, _ in self._selector.select(_TICK_SECONDS):
                key.data()
            self._look_around()
        # Another one may have come where the environment was made anew.
        if (_read_address() or {}).get("pid") == os.getpid():
            ADDRESS.unlink(missing_ok=True)
        self._listener.close()
        for fork in self._forks:
            os.kill(fork.pid, signal.SIGKILL)
        self._java.kill()
        self._java.wait()

    def end(self) -> None:
        """End soon."""
        self._ends = True

    # What clients want

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        connection.setblocking(False)
        self._beginning[connection] = b""
        self._selector.register(connection, selectors.EVENT_READ, lambda: self._read_beginning(connection))

    def _read_beginning(self, connection: socket.socket) -> None:
        """Read a client's first line; it sends no more before it is answered."""
        try:
            read = connection.recv(2**16)
        except ConnectionError:
            read = b""
        self._beginning[connection] += read
        if read and not self._beginning[connection].endswith(b"\n"):
            return
        line = self._beginning.pop(connection)
        self._selector.unregister(connection)
        connection.setblocking(True)
        try:
            asked = json.loads(line)
            request = {name: type_(asked["open"][name]) for name, type_ in _OF_OPEN.items()} if "open" in asked else {}
        except (ValueError, KeyError, TypeError):  # A client that went away, or of another version.
            connection.close()
            return
        if request:
            self._open(connection, request)
            return
        if "status" in asked or "stop" in asked:
            _tell(connection, self._status())
        if "stop" in asked:
            self._ending.append(connection)
            self.end()
        else:
            connection.close()

    def _open(self, connection: socket.socket, asked: dict[str, Any]) -> None:
        if self._is_outdated():
            users = ", ".join(self._users())
            if users:
                _tell(connection, {"refused": f"Spark still runs with what was here before a change, for {users}"})
                connection.close()
            else:
                self._ending.append(connection)  # Its end tells the client to start another one.
                self.end()
            return
        _tell(connection, {"welcome": True})
        self._idle_minutes = asked["idle_minutes"]
        home = self._homes.setdefault(asked["tables"], Home())
        home.waiting.append(Client(connection, asked, time.time()))
        self._admit(home)
        self._ask_java()

    def _status(self) -> dict[str, Any]:
        return {
            "pid": os.getpid(),
            "user": getpass.getuser(),
            "since": self._started,
            "memory_mib": sum(each.memory_kib for each in _processes() if each.group == os.getpgid(0)) // 1024,
            "idle_minutes": self._idle_minutes,
            "clients": [
                {
                    "pid": client.asked["pid"],
                    "command": client.asked["command"],
                    "since": client.since,
                    "works": client.works,
                }
                for client in self._clients()
            ],
        }

    def _clients(self) -> list[Client]:
        return [client for home in self._homes.values() for client in (*home.clients, *home.waiting)]

    def _users(self) -> list[str]:
        return [f"{client.asked['command']} (process {client.asked['pid']})" for client in self._clients()]

    # Homes

    def _admit(self, home: Home) -> None:
        """Serve the clients that wait for a home, one alone while it has to be opened."""
        while home.waiting and not home.closed_by:
            client = home.waiting.pop(0)
            tables = Path(client.asked["tables"])
            try:
                found = tables_on_disk(tables)
            except OSError as error:  # As where a home's network is gone, which is nothing to the runs of other homes.
                _tell(client.connection, {"failed": f"{tables} cannot be read: {error.strerror}"})
                self._close(home, client)  # Which serves those who wait after it.
                return
            # Beside other clients, who may be writing, tables may have grown.
            if are_replaced(home.tables, found) if home.clients else found != home.tables:
                home.session = None  # Somebody else has been there.
            if home.session is None:
                home.closed_by.add(client)
            self._serve(home, client, tables)

    def _serve(self, home: Home, client: Client, tables: Path) -> None:
        home.clients.append(client)
        opened = home.session

        def serve(report: kernel.Report) -> None:
            kernel.serve(client.connection, self._directory, tables, opened, report)

        def on_report(report: dict[str, Any]) -> None:
            client.job_group = report.get("job_group", client.job_group)
            client.thread = report.get("thread", client.thread)
            client.works = report.get("works", client.works)
            tables = {name: tuple(found) for name, found in report.get("tables", home.tables).items()}
            if are_replaced(home.tables, tables):
                home.session = None  # Whoever comes next would get one that knows tables which are gone.
            home.session = report.get("opened", home.session)
            home.tables = tables
            if "opened" in report:
                home.closed_by.discard(client)
                self._admit(home)

        def on_end(_: bool) -> None:
            home.clients.remove(client)
            home.closed_by.discard(client)
            if client.works:
                self._clear_up(home, client)
            else:
                self._close(home, client)

        self._fork(serve, on_report, on_end, connection=client.connection)

    def _clear_up(self, home: Home, client: Client) -> None:
        """Let nobody into the home before Java has done with what a client has begun that is gone."""
        home.closed_by.add(client)
        home.tables = {}  # What it was about to change is not known.

        def cancel(_: kernel.Report) -> None:
            spark_process.cancel(spark_process.join(self._directory), client.job_group, client.thread)

        def on_end(succeeded: bool) -> None:
            home.closed_by.discard(client)
            if succeeded:
                self._close(home, client)
            else:
                _log("Java does not end what a client has begun")
                self.end()

        self._fork(cancel, lambda _: None, on_end, time.monotonic() + _PATIENCE_WITH_JAVA_SECONDS)

    def _close(self, home: Home, client: Client) -> None:
        self._idle_since = time.monotonic()
        if self._idle_minutes == 0 and not self._clients():
            self._ending.append(client.connection)  # Its end tells the client that nothing is left.
            self.end()
        else:
            client.connection.close()
        self._admit(home)

    # Processes

    def _fork(
        self,
        work: Callable[[kernel.Report], None],
        on_report: Callable[[dict[str, Any]], None],
        on_end: Callable[[bool], None],
        deadline: float | None = None,
        connection: socket.socket | None = None,
    ) -> None:
        """Do something in a process of its own, which gets none of this one's connections but the one that is named."""
        reports, write_end = os.pipe()
        pid = os.fork()
        if pid:
            os.close(write_end)
            fork = Fork(pid, reports, on_report, on_end, deadline)
            self._forks.append(fork)
            self._selector.register(reports, selectors.EVENT_READ, lambda: self._read_reports(fork))
            return
        status = 1
        try:
            self._let_go_of_all_but(connection)
            _end_with(os.getppid())
            work(lambda report: _write(write_end, report))
            status = 0
        except BaseException as error:
            _log("".join(traceback.format_exception(error)))
        finally:
            os._exit(status)  # Whatever happens: a fork must not go on as the server.

    def _let_go_of_all_but(self, connection: socket.socket | None) -> None:
        """Close what was inherited: who is at the other end waits for its end, and Java, too."""
        self._selector.close()
        self._listener.close()
        assert self._java.stdin
        self._java.stdin.close()
        for other in (*self._beginning, *self._ending, *(client.connection for client in self._clients())):
            if other is not connection:
                other.close()

    def _read_reports(self, fork: Fork) -> None:
        read = os.read(fork.reports, 2**16)
        *lines, fork.unread = (fork.unread + read).split(b"\n")
        for line in lines:
            fork.on_report(json.loads(line))
        if read:
            return
        self._selector.unregister(fork.reports)
        os.close(fork.reports)
        self._forks.remove(fork)
        _, status = os.waitpid(fork.pid, 0)
        fork.on_end(status == 0)

    def _look_around(self) -> None:
        """See whether everybody is well, and whether it is time to end."""
        now = time.monotonic()
        for fork in self._forks:
            if fork.deadline and fork.deadline < now:
                os.kill(fork.pid, signal.SIGKILL)
        if self._java.poll() is not None:
            _log("Java has ended")
            self.end()
        elif not spark_process.is_launched(self._directory) and now > self._launched + _PATIENCE_WITH_LAUNCH_SECONDS:
            _log("Java does not start")
            self.end()
        if self._clients():
            self._ask_java()
        elif now > self._idle_since + self._idle_minutes * 60 or self._is_outdated():
            self.end()

    def _ask_java(self) -> None:
        """Ask Java for a sign of life, unless it was asked a moment ago."""
        if time.monotonic() < self._ask_java_at or not spark_process.is_launched(self._directory):
            return
        self._ask_java_at = float("inf")

        def on_end(succeeded: bool) -> None:
            self._ask_java_at = time.monotonic() + _BETWEEN_QUESTIONS_SECONDS
            if not succeeded:
                _log("Java does not answer")
                self.end()

        deadline = time.monotonic() + _PATIENCE_WITH_JAVA_SECONDS
        self._fork(lambda _: spark_process.ask(self._directory), lambda _: None, on_end, deadline)

    def _is_outdated(self) -> bool:
        try:
            return fingerprint() != self._fingerprint
        except OSError:  # The checkout, or its environment, is gone.
            return True


def _end_with(parent: int) -> None:
    """End this process soon after its parent."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.3)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _write(file: int, message: dict[str, Any]) -> None:
    os.write(file, json.dumps(message).encode() + b"\n")


def _tell(connection: socket.socket, message: dict[str, Any]) -> None:
    # Who has gone meanwhile needs no answer.
    with contextlib.suppress(OSError):
        connection.sendall(json.dumps(message).encode() + b"\n")


def _log(message: str) -> None:
    with contextlib.suppress(OSError):  # On a full disk there is more to lose than a line of a log.
        print(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {message}", file=sys.stderr, flush=True)


def _announce(state: str) -> None:
    # At once: whoever started this process stops to listen after the first word, or before it.
    with contextlib.suppress(BrokenPipeError):
        os.write(1, f"{state}\n".encode())


def _write_to_log() -> None:
    """Let what this process and Java print go to the log, and keep that of the server before."""
    if LOG.exists():
        LOG.replace(LOG.with_suffix(".previous.log"))
    with LOG.open("a", encoding="utf-8") as log:  # At its end, also once somebody has emptied it.
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)


def _read_address() -> dict[str, Any] | None:
    try:
        address: dict[str, Any] = json.loads(ADDRESS.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return address


def _can_be_asked(address: dict[str, Any] | None) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(address["socket"] if address else "")
        except OSError:
            return False
        return True


@dataclass(frozen=True)
class Process:
    """A process of this machine: its number, that of its group, its memory and its command line."""

    pid: int
    group: int
    memory_kib: int
    command: str


def _processes() -> Iterator[Process]:
    if not Path("/proc/self/stat").exists():
        command = ["ps", "-A", "-ww", "-o", "pid=,pgid=,rss=,args="]
        for line in subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines():
            pid, group, memory, *args = line.split(maxsplit=3)
            yield Process(int(pid), int(group), int(memory), "".join(args))
        return
    # Small images of Linux have no `ps`.
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # It has ended meanwhile.
            # After the program's name, which is in brackets: state, parent, group, and the memory in pages as the 22nd.
            fields = (folder / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            memory_kib = int(fields[21]) * os.sysconf("SC_PAGE_SIZE") // 1024
            command_line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            yield Process(int(folder.name), int(fields[2]), memory_kib, command_line)


def _end_remains_of(address: dict[str, Any]) -> None:
    """Kill what a server has left that was killed itself, and remove its folder."""
    directory = Path(address["socket"]).parent
    marks = (str(LOCAL / Path(__file__).name), str(directory))  # Other processes may have its number by now.
    for process in _processes():
        if process.group == address["pid"] and any(mark in process.command for mark in marks):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
    shutil.rmtree(directory, ignore_errors=True)


def _become_the_only_one() -> IO[str] | None:
    """Wait for the lock, and return it; None where another server can be asked."""
    lock = _LOCKED.open("r+", encoding="utf-8")
    patience_ends = time.monotonic() + _PATIENCE_WITH_OTHERS_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            address = _read_address()
            if _can_be_asked(address):
                return None
            if address and time.monotonic() > patience_ends:
                _end_remains_of(address)
            if time.monotonic() > patience_ends + _PATIENCE_WITH_AN_END_SECONDS:
                sys.exit(f"another process has locked {_LOCKED}, and does not say where it is: end it")
        time.sleep(0.05)
    if remains := _read_address():
        _end_remains_of(remains)
    return lock


def main() -> None:
    """Serve, unless another server of this checkout does."""
    os.umask(0o077)
    # PySpark hands out times in the zone of the process, whatever that of the session is.
    os.environ["TZ"] = "UTC"
    time.tzset()
    lock = _become_the_only_one()
    if lock is None:
        _announce("running")
        return
    # The name of a socket has room for a hundred characters.
    folder = tempfile.gettempdir() if len(os.fsencode(tempfile.gettempdir())) <= _LONGEST_FOLDER else "/tmp"
    directory = Path(folder, f"order-tracking-spark-{secrets.token_hex(4)}")
    try:
        # Told before it is made: of a server that is killed in between, the next one would not know what to remove.
        _tell_where(directory)
        directory.mkdir()
        _serve_in(directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _tell_where(directory: Path) -> None:
    unfinished = ADDRESS.with_suffix(".tmp")
    address = {"pid": os.getpid(), "socket": str(directory / _SOCKET)}
    unfinished.write_text(json.dumps(address), encoding="utf-8")
    unfinished.replace(ADDRESS)


def _serve_in(directory: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(directory / _SOCKET))
        listener.listen(64)
        _announce("listening")
        _write_to_log()
        server = SparkServer(directory, listener)
        signal.signal(signal.SIGTERM, lambda *_: server.end())
        server.run()


if __name__ == "__main__":
    main()
