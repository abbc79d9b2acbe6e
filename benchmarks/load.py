"""The load: a process of its own that sends prepared requests over connections that stay open.

Bare sockets, since a library would cost this machine more than the server: the share of the cores that the
load itself takes is part of what it reports. Usage: python -m benchmarks.load < order.json > report.json
"""

import json
import re
import resource
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from itertools import cycle
from threading import Barrier

TIMEOUT = 60
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass
class Order:
    """What to send to `port` of this machine.

    Each of `clients` sends `requests` one after the other, over and over for `seconds`; where that is 0, each
    sends its share of them once.
    """

    port: int
    requests: list[str]
    clients: int = 8
    seconds: float = 0


@dataclass
class Report:
    """What came back: how many answers in how long, their status and the size of the last one, the milliseconds
    that half and all but one in a hundred of them took, and how busy this process was, in cores."""

    answers: int
    seconds: float
    statuses: dict[str, int]
    bytes: int
    median_ms: float
    p99_ms: float
    cores: float

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.answers / self.seconds


@dataclass
class _Client:
    """One connection, opened anew where the server ends it."""

    port: int
    took: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    size: int = 0
    _socket: socket.socket | None = None

    def send(self, request: bytes) -> None:
        began = time.perf_counter()
        status, self.size = self._answer(request)
        self.took.append(time.perf_counter() - began)
        self.statuses[status] += 1

    def _answer(self, request: bytes) -> tuple[str, int]:
        try:
            return self._exchange(request)
        except ConnectionError:
            # A kept connection may end just as it is used again; a fresh one may not.
            self._socket = None
            return self._exchange(request)

    def _exchange(self, request: bytes) -> tuple[str, int]:
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self.port), TIMEOUT)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(request)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self._more()
        head, _, body = answer.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        assert length, f"an answer without its length: {head[:200]!r}"
        left = int(length[1]) - len(body)
        while left > 0:
            left -= len(self._more())
        if b"\r\nconnection: close" in head.lower():
            self._socket.close()
            self._socket = None
        return head[9:12].decode(), int(length[1])

    def _more(self) -> bytes:
        assert self._socket
        received = self._socket.recv(262144)
        if not received:
            raise ConnectionResetError
        return received


def fire(order: Order) -> Report:
    """Carry out `order` in this process: all clients begin at the same moment."""
    clients = [_Client(order.port) for _ in range(order.clients)]
    barrier = Barrier(order.clients)

    def work(number: int) -> None:
        requests = [request.encode() for request in order.requests]
        if not order.seconds:
            requests = requests[number :: order.clients]
        barrier.wait(TIMEOUT)
        end = time.perf_counter() + order.seconds
        for request in cycle(requests) if order.seconds else requests:
            clients[number].send(request)
            if order.seconds and time.perf_counter() > end:
                return

    used, began = _cpu(), time.perf_counter()
    with ThreadPoolExecutor(order.clients) as pool:
        list(pool.map(work, range(order.clients)))
    seconds = time.perf_counter() - began
    took = sorted(one for client in clients for one in client.took)
    return Report(
        answers=len(took),
        seconds=seconds,
        statuses=dict(sum((client.statuses for client in clients), Counter())),
        bytes=max(client.size for client in clients),
        median_ms=1000 * took[len(took) // 2],
        p99_ms=1000 * took[len(took) * 99 // 100],
        cores=(_cpu() - used) / seconds,
    )


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main(read: Callable[[], str] = sys.stdin.read) -> None:
    sys.stdout.write(json.dumps(asdict(fire(Order(**json.loads(read()))))))


if __name__ == "__main__":
    main()
