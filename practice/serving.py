"""The web server's worker: a request is given a thread once it has come whole, and its answer leaves without one.

Gunicorn's own threads read and write as slowly as whoever is at the other end, so eight visitors who send a byte a
second stop the site. Here a worker's poller, which waits for all connections at once, does the waiting, within
terms and a share of memory (decision 54).
"""

import errno
import re
import selectors
import socket
import time
from collections.abc import Callable
from functools import partial
from typing import Any, BinaryIO

from gunicorn.workers.gthread import TConn, ThreadWorker

# Bytes of a request: its head, and what comes behind it. More than the largest file that the site takes, so that
# the site itself says what is wrong; deploy/ tells proxies the same.
MOST_HEAD = 64 * 1024
MOST_BODY = 12 * 1024 * 1024
# Bytes that one worker keeps of requests and answers under way.
MOST_HELD = 64 * 1024 * 1024
# Seconds until a head is there; until a body is, and an answer gone, on top of what a slow line needs for them.
HEAD_SECONDS = 10.0
MOVING_SECONDS = 20.0
SLOWEST_LINE = 32 * 1024
# Seconds for the other end to hang up, so that it reads the answer before it hears that the connection is gone.
LINGER_SECONDS = 2.0
# Seconds for a request that is still coming when the server is asked to end.
LAST_SECONDS = 10.0
_PIECE = 64 * 1024
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)[ \t]*(?=\r\n)", re.IGNORECASE)
_IN_PIECES = re.compile(rb"\r\ntransfer-encoding[ \t]*:", re.IGNORECASE)
_ASKS_FIRST = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*\r\n", re.IGNORECASE)
_NO_ROOM = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_NOBODY_THERE = {errno.EAGAIN, errno.EWOULDBLOCK, errno.ECONNABORTED}


class Refused(Exception):
    """A request that is answered without being read: its status and reason."""


class Stream:
    """A socket as gunicorn's parser and writer know it, which makes neither wait.

    What it gives has come before; what it is given is kept, and leaves when `flush` is called.
    """

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self._socket = connection
        self.came = bytearray()
        self.going = bytearray()
        self._searched = 0
        # How many bytes the request at the front has; None until its head is there.
        self.whole: int | None = None

    def fileno(self) -> int:
        """Return the number that the poller knows this by."""
        return self._socket.fileno()

    # What the poller does.

    def take(self) -> bool:
        """Read what is there, and return whether the other end may send more."""
        piece = self._socket.recv(_PIECE)
        self.came += piece
        return bool(piece)

    def is_whole(self) -> bool:
        """Return whether a request has come, head and body. Raises Refused for one that is not waited for."""
        if self.whole is None:
            end = self.came.find(b"\r\n\r\n", max(self._searched - 3, 0))
            self._searched = len(self.came)
            if max(end, 0) > MOST_HEAD or (end < 0 and len(self.came) > MOST_HEAD):
                raise Refused(431, "Request Header Fields Too Large")
            if end < 0:
                return False
            head = bytes(self.came[: end + 2])
            self.whole = end + 4 + _length(head)
            if len(self.came) < self.whole and _ASKS_FIRST.search(head):
                self.going += b"HTTP/1.1 100 Continue\r\n\r\n"
        return len(self.came) >= self.whole

    def next_request(self, read_ahead: bytes) -> None:
        """Begin with the request behind the one that was answered, of which the parser had `read_ahead`."""
        self.came[:0] = read_ahead
        self.whole, self._searched = None, 0

    def flush(self) -> bool:
        """Send what the other end takes at once, and return whether nothing is left."""
        try:
            while self.going:
                del self.going[: self._socket.send(bytes(self.going[: 4 * _PIECE]))]
        except BlockingIOError:
            return False
        return True

    def say(self, status: int, reason: str) -> None:
        """Answer in the place of the site, in front of the connection's end; the request is not read."""
        self.came.clear()
        text = f"{status} {reason}\n"
        self.going += (
            f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n"
            "X-Content-Type-Options: nosniff\r\n"
            "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"
            f"Content-Length: {len(text)}\r\n\r\n{text}"
        ).encode()

    # What gunicorn does, in a thread.

    def recv(self, size: int) -> bytes:
        """Return up to `size` bytes of what has come; none are the end of it."""
        piece = bytes(self.came[:size])
        del self.came[:size]
        return piece

    def sendall(self, data: bytes) -> None:
        """Take `data` for the other end."""
        self.going += data

    def sendfile(self, file: BinaryIO, offset: int = 0, count: int | None = None) -> int:
        """Take `count` bytes of `file` from `offset` on: style sheets and scripts, all of them small."""
        file.seek(offset)
        piece = file.read() if count is None else file.read(count)
        self.going += piece
        return len(piece)

    def send(self, data: bytes) -> int:
        """Take nothing: gunicorn says by this that it goes on (100), which was said when it mattered."""
        return len(data)

    def gettimeout(self) -> float:
        """Return that nothing here waits."""
        return 0.0

    def settimeout(self, seconds: float | None) -> None:
        """Wait no more than before."""

    def setblocking(self, flag: bool) -> None:
        """Wait no more than before."""

    def shutdown(self, how: int) -> None:
        """Tell the other end that no more comes."""
        self._socket.shutdown(how)

    def close(self) -> None:
        """End it."""
        self._socket.close()


def _length(head: bytes) -> int:
    # Only how long to wait is decided here: where a request ends the parser says, and what contradicts itself it
    # refuses. Django reads no body that comes in pieces (PEP 3333 has no word for its end), so none is waited for.
    if _IN_PIECES.search(head):
        raise Refused(411, "Length Required")
    lengths = _LENGTH.findall(head)
    if any(len(length) > 9 or int(length) > MOST_BODY for length in lengths):
        raise Refused(413, "Content Too Large")
    return max(map(int, lengths), default=0)


class Connection(TConn):  # type: ignore[misc]
    """A connection, what is done with it at this moment, and until when."""

    sock: Stream

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        # Gunicorn asks by this whether to wait for the first byte in a thread.
        self.data_ready = True
        self.until = 0.0
        # How much of it counts in its worker's memory.
        self.held = 0
        self.goes_on = True
        self.is_gone = False


class Worker(ThreadWorker):  # type: ignore[misc]
    """A worker with threads that nobody at the other end of a line can hold.

    All but `handle` runs in its main thread.
    """

    @classmethod
    def check_config(cls, cfg: Any, log: Any) -> None:
        """Refuse what this cannot do. Raises ValueError."""
        if cfg.is_ssl:
            raise ValueError("https is brought by a proxy (docs/live.md), not by certfile and keyfile.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The longest there first.
        self._waiting: dict[Connection, None] = {}
        self._held = 0
        self._next_look = 0.0
        self._ending = False

    def accept(self, listener: Any) -> None:
        """Begin to read from whoever connects."""
        try:
            connection, client = listener.accept()
        except OSError as error:
            if error.errno in _NO_ROOM:
                self._make_room()
            elif error.errno not in _NOBODY_THERE:
                raise
            return
        self.nr_conns += 1
        conn = Connection(self.cfg, Stream(connection), client, listener.getsockname())
        self._read(conn, HEAD_SECONDS)
        # Most bring their request along.
        self._on_more(conn, conn.sock)
        if self.nr_conns >= self.worker_connections:
            self._make_room()

    def handle(self, conn: Connection) -> Any:
        """Answer the request that `conn` holds, in a thread; return whether another one may follow."""
        result = super().handle(conn)
        try:
            # Most answers leave at once, and before the poller has its turn.
            conn.sock.flush()
        except OSError:
            return False
        return result

    def handle_error(self, req: Any, client: Stream, addr: Any, exc: BaseException) -> None:
        """Answer what cannot be parsed in as few words as all that is refused here.

        Gunicorn's own page repeats what was sent, in no charset and with none of the headers of an answer.
        """
        before = len(client.going)
        super().handle_error(req, client, addr, exc)
        status = bytes(client.going[before:]).partition(b"\r\n")[0].decode("latin-1").split(" ", 2)
        del client.going[before:]
        if len(status) == 3:
            client.say(int(status[1]), status[2])

    def finish_request(self, conn: Connection, fs: Any) -> None:
        """Send what the thread left of its answer, then go on or hang up."""
        try:
            conn.goes_on = fs.result() is True
        except Exception:  # noqa: BLE001 - as gunicorn has it: whatever a thread raises ends its connection alone
            self._forget(conn)
            return
        self._send(conn)

    def murder_pending(self) -> None:
        """Hang up on whoever takes longer than the terms above; looks twice a second."""
        now = time.monotonic()
        if not self.alive and not self._ending:
            self._ending, self._next_look = True, 0.0
            for conn in self._waiting:
                rest = LAST_SECONDS if conn.sock.came or conn.sock.going else LINGER_SECONDS
                conn.until = min(conn.until, now + rest)
        if now < self._next_look:
            return
        self._next_look = now + 0.5
        for conn in [conn for conn in self._waiting if conn.until <= now]:
            if conn.sock.came and conn.goes_on and not conn.sock.going:
                self._refuse(conn, 408, "Request Timeout")
            else:
                self._forget(conn)

    # Each of these is what a connection is at, and ends with the poller waiting for it or a thread at it.

    def _read(self, conn: Connection, seconds: float) -> None:
        self._wait(conn, seconds, selectors.EVENT_READ, self._on_more)

    def _on_more(self, conn: Connection, _stream: Stream) -> None:
        began, headless = bool(conn.sock.came), conn.sock.whole is None
        try:
            if not conn.sock.take():
                # Gone in the middle of a request, or between two.
                self._forget(conn)
                return
            self._go_on(conn, began, headless)
        except BlockingIOError:
            return
        except OSError:
            self._forget(conn)

    def _go_on(self, conn: Connection, began: bool, headless: bool) -> None:
        """Answer where the request is whole, else wait for more of it, for as long as what is missing may take."""
        try:
            whole = conn.sock.is_whole()
        except Refused as refusal:
            self._refuse(conn, *refusal.args)
            return
        if whole:
            self._rest(conn)
            self._weigh(conn)
            self.enqueue_req(conn)
            return
        if conn.sock.going:
            # That it may send its body: a few bytes, which always fit.
            conn.sock.flush()
        now = time.monotonic()
        if not began:
            conn.until = now + HEAD_SECONDS
        if headless and conn.sock.whole is not None:
            conn.until = now + MOVING_SECONDS + conn.sock.whole / SLOWEST_LINE
        if self._ending:
            conn.until = min(conn.until, now + LAST_SECONDS)
        self._weigh(conn)

    def _send(self, conn: Connection) -> None:
        try:
            gone = conn.sock.flush()
        except OSError:
            self._forget(conn)
            return
        if not gone:
            if conn not in self._waiting:
                seconds = MOVING_SECONDS + len(conn.sock.going) / SLOWEST_LINE
                self._wait(conn, seconds, selectors.EVENT_WRITE, lambda conn, _stream: self._send(conn))
            self._weigh(conn)
            return
        self._rest(conn)
        self._weigh(conn)
        if conn.goes_on:
            self._follow(conn)
        else:
            self._hang_up(conn)

    def _follow(self, conn: Connection) -> None:
        """Go on with the next request on the same connection, of which a part or all may be there."""
        conn.sock.next_request(conn.parser.unreader.take_buffered())
        self._read(conn, self.cfg.keepalive if self.alive else LINGER_SECONDS)
        if conn.sock.came:
            try:
                self._go_on(conn, began=False, headless=True)
            except OSError:
                self._forget(conn)

    def _refuse(self, conn: Connection, status: int, reason: str) -> None:
        self.log.debug("Refused a request: %s %s", status, reason)
        conn.sock.say(status, reason)
        conn.goes_on = False
        self._rest(conn)
        self._send(conn)

    def _hang_up(self, conn: Connection) -> None:
        """Tell the other end that this was all, and wait for it to hang up too (RFC 9112 §9.6)."""
        try:
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._forget(conn)
            return
        conn.goes_on = False
        self._wait(conn, LINGER_SECONDS, selectors.EVENT_READ, self._on_rest)

    def _on_rest(self, conn: Connection, _stream: Stream) -> None:
        try:
            if conn.sock.take():
                conn.sock.came.clear()
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        self._forget(conn)

    # What all of them need.

    def _wait(
        self, conn: Connection, seconds: float, event: int, then: Callable[[Connection, Stream], None]
    ) -> None:
        conn.until = time.monotonic() + seconds
        self._waiting[conn] = None
        self.poller.register(conn.sock, event, partial(then, conn))

    def _rest(self, conn: Connection) -> None:
        """Let the poller wait for `conn` no longer."""
        if conn in self._waiting:
            del self._waiting[conn]
            self.poller.unregister(conn.sock)

    def _forget(self, conn: Connection) -> None:
        # The poller may tell of one more that was hung up on since it looked.
        if conn.is_gone:
            return
        conn.is_gone = True
        self._rest(conn)
        self._held -= conn.held
        self.nr_conns -= 1
        conn.sock.close()
        conn.sock.came.clear()
        conn.sock.going.clear()

    def _weigh(self, conn: Connection) -> None:
        """Keep within the share of memory: whoever is waited for and takes most of it goes first."""
        held = len(conn.sock.came) + len(conn.sock.going)
        self._held += held - conn.held
        conn.held = held
        while self._held > MOST_HELD and self._waiting:
            largest = max(self._waiting, key=lambda one: one.held)
            if largest.held <= _PIECE:
                # All that is left is small, or is answered at this moment.
                return
            self._forget(largest)

    def _make_room(self) -> None:
        """Hang up on whoever has been waited for longest: a visitor's request is whole at once."""
        if self._waiting:
            self._forget(next(iter(self._waiting)))
