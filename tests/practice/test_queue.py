"""The embedded queue after a power cut: a message that is none is put aside, and the next one is read."""

import errno
import os
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kombu.connection import Connection
from kombu.entity import Exchange, Queue

from practice import queue

# Kombu has no types.
TASKS: Any = Queue("celery", Exchange("celery"), routing_key="celery")  # type: ignore[no-untyped-call]
HEADERS = {"id": "7", "task": "booking.tasks.deliver"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def link(folder: Path) -> Iterator[Any]:
    options = {"data_folder_in": str(folder), "data_folder_out": str(folder)}
    made: Any = Connection("filesystem://", transport=queue.Transport, transport_options=options)  # type: ignore[no-untyped-call]
    with made as link:
        yield link


def send(link: Any, body: str = "nudge") -> None:
    link.Producer().publish(body, exchange=TASKS.exchange, routing_key="celery", declare=[TASKS], headers=HEADERS)


def received(link: Any) -> list[str]:
    """Return what a worker reads, one after the other, until nothing is left."""
    bound, bodies = TASKS(link.default_channel), []
    bound.declare()
    while message := bound.get(no_ack=True):
        bodies.append(message.payload)
    return bodies


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: b"",
        lambda whole: whole[: len(whole) // 2],
        lambda whole: whole[:-1],
        lambda whole: b"\0" * len(whole),
        lambda whole: whole[:40] + b"\0" * (len(whole) - 40),
        lambda whole: b"\xff\xfe" + whole,
        lambda whole: b"[" * 100_000,
        lambda whole: b"null",
        lambda whole: b"[]",
        lambda whole: b"{}",
        lambda whole: b'{"properties": {}}',
        lambda whole: whole.replace(b"booking.tasks.deliver", b"").replace(b'"task": ""', b'"task": null'),
    ],
    ids=[
        *("empty", "cut", "cut at the end", "zeros", "zeros at the end", "no text", "deep"),
        *("null", "list", "nothing in it", "half of it", "no task"),
    ],
)
def test_a_damaged_message_is_put_aside_and_the_next_one_is_read(
    link: Any, folder: Path, damage: Any, caplog: pytest.LogCaptureFixture
) -> None:
    send(link, "first")
    [first] = folder.glob("*.msg")
    first.write_bytes(damage(first.read_bytes()))
    send(link, "second")

    assert received(link) == ["second"]
    assert [file.name for file in folder.iterdir()] == [f"{first.name}.damaged"]
    assert f"Message {first.name} cannot be read and is put aside." in caplog.text


def test_no_file_says_which_queue_there_is(link: Any, folder: Path) -> None:
    send(link)

    assert [file.suffix for file in folder.iterdir()] == [".msg"]
    assert received(link) == ["nudge"]


def test_on_a_full_disk_nothing_is_left_half_written(link: Any, folder: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        with pytest.raises(OSError) as refused:  # noqa: PT011 - which one is looked at below
            send(link)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert refused.value.errno == errno.EFBIG
    assert list(folder.iterdir()) == []

    send(link)
    assert received(link) == ["nudge"]


def test_what_was_left_behind_goes_after_a_day_or_when_it_is_of_tomorrow(folder: Path) -> None:
    hours = {"a.part": -25, "b.1.taken": -25, "c.msg.damaged": 3, "d.part": -1, "e.celery.msg": -25}
    for name, hour in hours.items():
        (folder / name).touch()
        moment = (folder / name).stat().st_mtime + hour * 3600
        os.utime(folder / name, (moment, moment))

    queue.tidy(folder)

    assert sorted(file.name for file in folder.iterdir()) == ["d.part", "e.celery.msg"]
