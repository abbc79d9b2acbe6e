"""The scheduler asks again and again, whatever the machine's clock says, and writes nothing down."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from celery.schedules import schedule

from celery_app import app
from practice import scheduler
from tests.servers import wait_until

ROOT = Path(__file__).resolve().parents[2]
RIGHT = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Monotonic:
    """Seconds that only pass when told to."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def monotonic(self) -> float:
        return self.seconds


class Listening(scheduler.Scheduler):
    """Writes down what would be asked for."""

    producer = None

    def apply_entry(self, entry: Any, producer: Any = None) -> None:
        self.__dict__.setdefault("asked", []).append(entry.task.rpartition(".")[2])

    def tells(self) -> list[str]:
        asked: list[str] = self.__dict__.pop("asked", [])
        return asked


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Monotonic:
    clock = Monotonic()
    monkeypatch.setattr(scheduler, "time", clock)
    return clock


@pytest.fixture
def beat(clock: Monotonic) -> Iterator[Listening]:
    return Listening(app, schedule_filename="/nowhere/at/all")


def test_everything_is_asked_for_at_the_start(beat: Listening) -> None:
    assert beat.tick() == app.conf.beat_max_loop_interval

    assert sorted(beat.tells()) == ["read_calendars", "sweep", "tidy"]
    assert beat.tick() > 0
    assert beat.tells() == []


def test_each_task_comes_in_its_turn(beat: Listening, clock: Monotonic) -> None:
    asked = {"sweep": 0, "tidy": 0, "read_calendars": 0}
    end = clock.seconds + 3600
    while clock.seconds < end:
        clock.seconds += beat.tick()
        for task in beat.tells():
            asked[task] += 1

    assert asked == {"sweep": 60, "tidy": 1, "read_calendars": 12}


@pytest.mark.parametrize("days", [3, -3, 4000])
def test_a_clock_that_is_set_while_it_runs_changes_nothing(beat: Listening, clock: Monotonic, days: int) -> None:
    with time_machine.travel(RIGHT + timedelta(days=days), tick=False) as wall:
        beat.tick()
        beat.tells()
        wall.move_to(RIGHT)
        clock.seconds += 59
        assert 0 < beat.tick() <= 1
        assert beat.tells() == []

        clock.seconds += 1
        beat.tick()

    assert beat.tells() == ["sweep"]


def test_a_queue_that_refuses_waits_for_its_turn(clock: Monotonic) -> None:
    class Refusing(Listening):
        refusals = 0

        def apply_entry(self, entry: Any, producer: Any = None) -> None:
            self.refusals += 1
            super().apply_entry(entry, producer)

    beat = Refusing(app)
    for _ in range(3):
        beat.tick()

    assert beat.refusals == 3


def test_no_task_but_ours_is_asked_for(beat: Listening) -> None:
    assert set(beat.schedule) == set(app.conf.beat_schedule)
    # What it reckons with: so many seconds, no days and hours of a clock.
    assert all(isinstance(entry.schedule, schedule) for entry in beat.schedule.values())


@pytest.mark.servers
def test_a_damaged_schedule_of_an_older_version_stops_nothing(served: Any) -> None:
    with served("sqlite") as practice:
        for name in ("beat-schedule", "beat-schedule.dat", "beat-schedule.dir", "beat-schedule.db"):
            (practice.data_dir / name).write_bytes(b"\0" * 100)
        practice.start_beat()

        asked = practice.data_dir / "queue"
        wait_until(lambda: len(list(asked.glob("*.msg"))) == 3, what="all three tasks to be asked for")
        assert practice.processes["beat"].poll() is None
        assert not (practice.data_dir / "queue-control").exists()


def test_beat_takes_this_scheduler() -> None:
    said = subprocess.run(
        [sys.executable, "-c", "from celery_app import app; print(app.Beat().scheduler_cls)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert said.stdout.strip() == "practice.scheduler:Scheduler"
