"""What the database refuses when somebody writes past every service of ours."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.checks import run_checks
from django.db import IntegrityError, connection, models, transaction
from django.db.models import F
from django.utils import timezone

from booking import guards
from booking.models import Appointment, AppointmentType, Kind, Notification, NotificationState, State
from tests.booking.factories import (
    make_appointment,
    make_notification,
    make_therapist,
    make_type,
    wall,
)

pytestmark = [pytest.mark.django_db, pytest.mark.engines]

MINUTE = timedelta(minutes=1)


def insert(appointment: Appointment, **changes: Any) -> None:
    """INSERT a copy of `appointment` with `changes`, in SQL of its own."""
    row: dict[str, Any] = {
        str(field.column): getattr(appointment, field.attname)
        for field in Appointment._meta.concrete_fields
        if not field.primary_key
    }
    row |= {"public_id": uuid4(), "idempotency_key": None} | changes
    values = [
        field.get_db_prep_save(row[str(field.column)], connection)
        for field in Appointment._meta.concrete_fields
        if not field.primary_key
    ]
    columns = ", ".join(connection.ops.quote_name(column) for column in row)
    marks = ", ".join(["%s"] * len(values))
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO booking_appointment ({columns}) VALUES ({marks})", values)


def shifted(appointment: Appointment, by: timedelta) -> dict[str, datetime]:
    return {name: getattr(appointment, name) + by for name in ("start", "end", "occupied_start", "occupied_end")}


def refused(name: str) -> Any:
    """Expect the block to be refused by the guard `name`, and by no other."""

    class Refused:
        def __enter__(self) -> None:
            self.atomic = transaction.atomic()
            self.atomic.__enter__()

        def __exit__(self, kind: Any, error: Any, trace: Any) -> bool:
            self.atomic.__exit__(kind, error, trace)
            assert isinstance(error, IntegrityError), f"{name} let it pass"
            assert guards.violated(error, name), error
            return True

    return Refused()


@pytest.fixture
def booked() -> Appointment:
    therapist = make_therapist()
    appointment_type = make_type(
        therapist, buffer_before=timedelta(minutes=10), buffer_after=timedelta(minutes=15)
    )
    return make_appointment(appointment_type, start="2026-12-01 10:00")


@pytest.mark.parametrize(
    "minutes",
    [0, 1, -1, 84, -84],
    ids=["the same time", "a minute later", "a minute earlier", "into the last buffer", "into the first buffer"],
)
def test_an_insert_that_overlaps_is_refused(booked: Appointment, minutes: int) -> None:
    with refused(guards.NO_OVERLAP):
        insert(booked, **shifted(booked, minutes * MINUTE))


@pytest.mark.parametrize("minutes", [85, -85], ids=["after", "before"])
def test_an_insert_that_only_touches_is_taken(booked: Appointment, minutes: int) -> None:
    insert(booked, **shifted(booked, minutes * MINUTE))

    assert Appointment.objects.count() == 2


def test_an_insert_that_covers_another_is_refused(booked: Appointment) -> None:
    with refused(guards.NO_OVERLAP):
        insert(
            booked,
            occupied_start=booked.occupied_start - timedelta(hours=3),
            occupied_end=booked.occupied_end + timedelta(hours=3),
        )


def test_another_therapist_may_have_the_same_time(booked: Appointment) -> None:
    insert(booked, therapist_id=make_therapist().pk)

    assert Appointment.objects.count() == 2


def test_a_cancelled_appointment_claims_nothing(booked: Appointment) -> None:
    Appointment.objects.update(state=State.CANCELLED, cancelled_at=booked.created_at, sequence=1)

    insert(booked)

    assert Appointment.objects.live().count() == 1


def test_what_was_cancelled_can_still_be_written_to_once_its_time_is_anothers(booked: Appointment) -> None:
    Appointment.objects.update(state=State.CANCELLED, cancelled_at=booked.created_at, sequence=1)
    insert(booked)

    assert Appointment.objects.filter(pk=booked.pk).update(erased_at=booked.end) == 1


@pytest.mark.parametrize("state", [State.ATTENDED, State.NO_SHOW])
def test_what_came_to_pass_keeps_its_time(booked: Appointment, state: State) -> None:
    outcome = {"state": state, "outcome_at": booked.end}
    with refused(guards.NO_OVERLAP):
        insert(booked, **outcome)
    Appointment.objects.update(**outcome)

    with refused(guards.NO_OVERLAP):
        insert(booked)


def test_an_update_onto_another_is_refused(booked: Appointment) -> None:
    other = make_appointment(booked.appointment_type, start="2026-12-01 14:00")

    with refused(guards.NO_OVERLAP):
        Appointment.objects.filter(pk=other.pk).update(sequence=1, **shifted(booked, 30 * MINUTE))


def test_a_change_of_therapist_onto_another_is_refused(booked: Appointment) -> None:
    other = make_appointment(start="2026-12-01 10:30")

    with refused(guards.NO_OVERLAP):
        Appointment.objects.filter(pk=other.pk).update(therapist=booked.therapist)


def test_an_appointment_may_move_within_its_own_time(booked: Appointment) -> None:
    Appointment.objects.update(sequence=1, **shifted(booked, 30 * MINUTE))

    assert Appointment.objects.get().start == booked.start + 30 * MINUTE


def test_saving_a_model_past_the_service_is_refused_too(booked: Appointment) -> None:
    booked.pk = None
    booked.public_id = uuid4()
    booked._state.adding = True

    with refused(guards.NO_OVERLAP):
        booked.save()


@pytest.mark.parametrize(
    "written", ["2026-12-01T08:00:00", "2026-12-01 08:00:00+00:00", "2026-12-01 08:00", "2026-12-01 08:00:00.5"]
)
def test_a_time_in_another_writing_cannot_slip_past(booked: Appointment, written: str) -> None:
    if connection.vendor != "sqlite":
        # There a time is a time, however it was written.
        with refused(guards.NO_OVERLAP), connection.cursor() as cursor:
            cursor.execute("UPDATE booking_appointment SET sequence = 1")
            insert(booked)
        return

    with pytest.raises(IntegrityError, match="appointment_time_format"), connection.cursor() as cursor:
        cursor.execute("UPDATE booking_appointment SET occupied_start = %s, sequence = 1", [written])


@pytest.mark.parametrize("state", [State.CONFIRMED, State.ATTENDED, State.NO_SHOW])
def test_a_cancelled_appointment_stays_cancelled(booked: Appointment, state: State) -> None:
    Appointment.objects.update(state=State.CANCELLED, cancelled_at=booked.created_at, sequence=1)

    with refused("appointment_state_follows"):
        outcome = None if state == State.CONFIRMED else booked.end
        Appointment.objects.update(state=state, cancelled_at=None, outcome_at=outcome)


@pytest.mark.parametrize("state", [State.CONFIRMED, State.CANCELLED])
def test_what_came_to_pass_cannot_be_undone(booked: Appointment, state: State) -> None:
    Appointment.objects.update(state=State.ATTENDED, outcome_at=booked.end)

    with refused("appointment_state_follows"):
        moment = booked.end if state == State.CANCELLED else None
        Appointment.objects.update(state=state, outcome_at=None, cancelled_at=moment)


def test_attended_and_no_show_can_be_corrected(booked: Appointment) -> None:
    Appointment.objects.update(state=State.ATTENDED, outcome_at=booked.end)

    Appointment.objects.update(state=State.NO_SHOW)

    assert Appointment.objects.get().state == State.NO_SHOW


def test_an_outcome_before_the_start_is_refused(booked: Appointment) -> None:
    with refused("appointment_outcome_after_start"):
        Appointment.objects.update(state=State.ATTENDED, outcome_at=booked.start - MINUTE)


def test_a_sequence_never_falls(booked: Appointment) -> None:
    Appointment.objects.update(sequence=2)

    with refused("appointment_sequence_rises"):
        Appointment.objects.update(sequence=1)


@pytest.mark.parametrize("changed", [{"start", "end", "occupied_start", "occupied_end"}, {"start"}, {"end"}])
def test_a_time_changes_only_with_the_sequence(booked: Appointment, changed: set[str]) -> None:
    later = shifted(booked, 5 * MINUTE)
    with refused("appointment_sequence_rises"):
        Appointment.objects.update(**{name: later[name] for name in changed})


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("appointment_order_of_times", {"end": F("start"), "sequence": 1}),
        ("appointment_order_of_times", {"occupied_start": F("start") + MINUTE}),
        ("appointment_order_of_times", {"occupied_end": F("end") - MINUTE}),
        ("appointment_known_state", {"state": "gone"}),
        ("appointment_known_place", {"place": "nowhere"}),
        ("appointment_cancelled_has_moment", {"state": State.CANCELLED}),
        ("appointment_cancelled_has_moment", {"cancelled_at": F("start")}),
        ("appointment_outcome_after_start", {"state": State.ATTENDED}),
        ("appointment_outcome_after_start", {"outcome_at": F("start")}),
    ],
)
def test_an_appointment_that_contradicts_itself_is_refused(
    booked: Appointment, name: str, changes: dict[str, Any]
) -> None:
    with refused(name):
        Appointment.objects.update(**changes)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("notification_one_recipient", {"parent": None}),
        ("notification_one_recipient", {"therapist": F("appointment")}),
        ("notification_about_something", {"appointment": None}),
        ("notification_about_something", {"kind": Kind.OVERVIEW, "local_day": "2026-12-01"}),
        ("notification_about_something", {"kind": Kind.OVERVIEW, "appointment": None}),
        ("notification_about_something", {"kind": Kind.PASSWORD_LINK, "appointment": None}),
        ("notification_known_state", {"state": "gone"}),
        ("notification_sent_has_moment", {"state": NotificationState.SENT}),
        ("notification_sent_has_moment", {"sent_at": F("due_at")}),
        ("notification_sending_has_lease", {"state": NotificationState.SENDING}),
        ("notification_sending_has_lease", {"lease_until": F("due_at")}),
    ],
)
def test_a_notification_that_contradicts_itself_is_refused(
    booked: Appointment, name: str, changes: dict[str, Any]
) -> None:
    make_notification(appointment=booked)

    with refused(name):
        Notification.objects.update(**changes)


@pytest.mark.parametrize(
    ("name", "field", "least"),
    [
        ("type_duration_positive", "duration", MINUTE),
        ("type_step_positive", "step", MINUTE),
        ("type_margins_not_negative", "buffer_before", timedelta()),
        ("type_margins_not_negative", "buffer_after", timedelta()),
        ("type_margins_not_negative", "minimum_notice", timedelta()),
        ("type_margins_not_negative", "change_notice", timedelta()),
    ],
)
def test_a_type_with_less_than_nothing_is_refused(
    booked: Appointment, name: str, field: str, least: timedelta
) -> None:
    AppointmentType.objects.update(**{field: least})

    with refused(name):
        AppointmentType.objects.update(**{field: least - MINUTE})


@pytest.mark.parametrize("state", [NotificationState.SENT, NotificationState.VOID, NotificationState.MISSED])
def test_a_notification_that_ended_cannot_become_due_again(booked: Appointment, state: NotificationState) -> None:
    notification = make_notification(
        appointment=booked, state=state, sent_at=timezone.now() if state == NotificationState.SENT else None
    )

    with refused("notification_state_follows"):
        type(notification).objects.update(state=NotificationState.DUE, sent_at=None)


def test_the_same_thing_cannot_be_owed_twice(booked: Appointment) -> None:
    make_notification(appointment=booked, key="confirmation:1")

    with pytest.raises(IntegrityError), transaction.atomic():
        make_notification(appointment=booked, key="confirmation:1")


def test_the_system_check_misses_a_guard_that_is_gone() -> None:
    def found() -> bool:
        return "booking.E001" in {message.id for message in run_checks(databases=["default"])}

    assert not found()
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"DROP TRIGGER {guards.NO_OVERLAP}_insert")
        else:
            cursor.execute(f"ALTER TABLE booking_appointment DROP CONSTRAINT {guards.NO_OVERLAP}")

    assert found()


def found() -> set[str | None]:
    return {message.id for message in run_checks(databases=["default"])}


# What each engine may have lost, by a statement of somebody who meant well.
POSTGRESQL = {
    "a trigger that is off": "ALTER TABLE booking_appointment DISABLE TRIGGER appointment_state_follows",
    "all of a table's": "ALTER TABLE booking_notification DISABLE TRIGGER USER",
    "off but for replicas": "ALTER TABLE booking_appointment ENABLE REPLICA TRIGGER appointment_sequence_rises",
    "one that tells of changes": "ALTER TABLE booking_hold DISABLE TRIGGER booking_hold_own",
    "the log's": "ALTER TABLE booking_accessentry DISABLE TRIGGER access_log_kept",
    "an event less": "DROP TRIGGER booking_hold_own ON booking_hold; CREATE TRIGGER booking_hold_own"
    " AFTER INSERT ON booking_hold FOR EACH ROW EXECUTE FUNCTION renew_own()",
    "another condition": "CREATE OR REPLACE TRIGGER appointment_state_follows BEFORE UPDATE ON booking_appointment"
    " FOR EACH ROW WHEN (false) EXECUTE FUNCTION booking_refuse()",
    "a function that refuses nothing": "CREATE OR REPLACE FUNCTION booking_refuse() RETURNS trigger"
    " LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$",
    "a function that tells nothing": "CREATE OR REPLACE FUNCTION renew_own() RETURNS trigger"
    " LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$",
    "an overlap of others": "ALTER TABLE booking_appointment DROP CONSTRAINT appointment_no_overlap;"
    " ALTER TABLE booking_appointment ADD CONSTRAINT appointment_no_overlap EXCLUDE USING gist"
    " (therapist_id WITH =, tstzrange(occupied_start, occupied_end, '[)') WITH &&) WHERE (state = 'attended')",
    "an overlap that is looked at later": "ALTER TABLE booking_appointment DROP CONSTRAINT appointment_no_overlap;"
    " ALTER TABLE booking_appointment ADD CONSTRAINT appointment_no_overlap EXCLUDE USING gist"
    " (therapist_id WITH =, tstzrange(occupied_start, occupied_end, '[)') WITH &&)"
    " WHERE (state <> 'cancelled') DEFERRABLE INITIALLY DEFERRED",
}
SQLITE = {
    "another condition": "DROP TRIGGER appointment_state_follows; CREATE TRIGGER appointment_state_follows"
    " BEFORE UPDATE ON booking_appointment WHEN 0 BEGIN SELECT RAISE(ABORT, 'appointment_state_follows'); END",
    "another table": "DROP TRIGGER appointment_no_overlap_insert; CREATE TRIGGER appointment_no_overlap_insert"
    " BEFORE INSERT ON booking_hold BEGIN SELECT 1; END",
    "one that tells of changes": "DROP TRIGGER booking_hold_own_insert",
    "the log's": "DROP TRIGGER access_log_kept; CREATE TRIGGER access_log_kept"
    " BEFORE DELETE ON booking_accessentry BEGIN SELECT 1; END",
}
OFF = {
    "no check": "ALTER TABLE booking_appointment DROP CONSTRAINT appointment_order_of_times",
    "a check of what is new": "ALTER TABLE booking_appointment DROP CONSTRAINT appointment_order_of_times;"
    ' ALTER TABLE booking_appointment ADD CONSTRAINT appointment_order_of_times CHECK (start < "end") NOT VALID',
    "no index of what is once": "ALTER TABLE booking_ratecounter DROP CONSTRAINT rate_counter_once",
    "a rule": "CREATE RULE nothing AS ON UPDATE TO booking_appointment DO INSTEAD NOTHING",
    "foreign keys": "ALTER TABLE booking_parent DISABLE TRIGGER ALL",
    "a replica's role": "SET LOCAL session_replication_role = replica",
}


def run_statements(text: str) -> None:
    with connection.cursor() as cursor:
        for statement in [text] if connection.vendor == "postgresql" else _apart(text):
            cursor.execute(statement)


def _apart(text: str) -> list[str]:
    """Return the statements of `text`: SQLite takes one at a time, and a trigger has semicolons inside."""
    first, _, rest = text.partition("; CREATE TRIGGER")
    return [first, *([f"CREATE TRIGGER{rest}"] if rest else [])]


@pytest.mark.parametrize("name", POSTGRESQL)
@pytest.mark.only("postgresql")
def test_a_guard_that_is_off_or_another_is_missed_and_put_back_on_postgresql(name: str) -> None:
    run_statements(POSTGRESQL[name])
    assert "booking.E001" in found()

    guards.install(connection)
    assert found().isdisjoint({"booking.E001", "booking.E009"})


@pytest.mark.parametrize("name", SQLITE)
@pytest.mark.only("sqlite")
def test_a_guard_that_is_another_is_missed_and_put_back_on_sqlite(name: str) -> None:
    run_statements(SQLITE[name])
    assert "booking.E001" in found()

    guards.install(connection)
    assert found().isdisjoint({"booking.E001", "booking.E009"})


@pytest.mark.parametrize("name", OFF)
@pytest.mark.only("postgresql")
def test_a_constraint_that_is_off_is_missed(name: str) -> None:
    assert "booking.E009" not in found()

    run_statements(OFF[name])

    assert "booking.E009" in found()


@pytest.mark.only("sqlite")
def test_a_check_that_is_gone_is_missed_on_sqlite() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE booking_ratecounter")
        cursor.execute(
            "CREATE TABLE booking_ratecounter"
            " (id integer PRIMARY KEY, key text, window_start datetime, count integer)"
        )

    assert "booking.E009" in found()


def test_an_older_version_may_have_guards_of_another_form() -> None:
    run_statements((POSTGRESQL if connection.vendor == "postgresql" else SQLITE)["another condition"])
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'booking' AND name >= '0023'")

    # Or `migrate`, which puts them back, would be refused.
    assert "booking.E001" not in found()


@pytest.mark.django_db(transaction=True)
def test_guards_come_back_after_the_table_was_remade() -> None:
    # A column that comes and goes: SQLite remakes the table for it, and its triggers vanish.
    field = models.TextField(default="")
    field.set_attributes_from_name("passing")
    field.model = Appointment
    with connection.schema_editor() as editor:
        editor.add_field(Appointment, field)
        editor.remove_field(Appointment, field)
    if connection.vendor == "sqlite":
        with connection.schema_editor() as editor:
            editor._remake_table(Appointment)  # type: ignore[attr-defined]
        assert guards.missing(connection)

    guards.install(connection)

    assert guards.missing(connection) == set()
    booked = make_appointment(start="2026-12-01 10:00")
    with refused(guards.NO_OVERLAP):
        insert(booked)


def test_wall_clock_of_the_factories_is_the_practices() -> None:
    assert wall("2026-10-25 09:00").isoformat() == "2026-10-25T08:00:00+00:00"
