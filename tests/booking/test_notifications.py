"""What is owed to whom, and when."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from booking import notifications
from booking.models import Appointment, Kind, Notification, NotificationState, Parent, State
from tests.booking.factories import (
    AMSTERDAM,
    make_appointment,
    make_notification,
    make_parent,
    make_therapist,
    make_type,
    wall,
)


@pytest.mark.parametrize(
    ("start", "lead", "moment"),
    [
        ("2026-12-01 10:00", "2d", "2026-11-29 10:00"),
        ("2026-12-01 14:00", "3h", "2026-12-01 11:00"),
        # Days keep the wall clock over a change of it, hours do not.
        ("2026-10-26 10:00", "2d", "2026-10-24 10:00"),
        ("2027-03-29 10:00", "2d", "2027-03-27 10:00"),
        ("2026-10-25 13:00", "12h", "2026-10-24 20:00"),
        ("2026-10-25 22:00", "20h", "2026-10-24 20:00"),
        ("2027-03-28 20:00", "18h", "2027-03-27 20:00"),
        # 02:30 is skipped in that night; it is within the quiet hours anyway.
        ("2027-03-30 02:30", "2d", "2027-03-27 20:00"),
        # The quiet hours: the evening before.
        ("2026-12-01 09:00", "3h", "2026-11-30 20:00"),
        ("2026-12-01 10:59", "3h", "2026-11-30 20:00"),
        ("2026-12-01 11:00", "3h", "2026-12-01 08:00"),
        ("2026-12-01 21:00", "1d", "2026-11-30 20:00"),
        ("2026-12-01 20:59", "1d", "2026-11-30 20:59"),
    ],
)
def test_reminder_moment_keeps_the_wall_clock_and_the_night_quiet(start: str, lead: str, moment: str) -> None:
    assert notifications.reminder_moment(wall(start), lead, AMSTERDAM) == wall(moment)


@pytest.mark.parametrize("text", ["", "2", "d", "0d", "2w", "-1d", "2d ", "1000d", "٢d"])
def test_lead_refuses_what_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="not a lead"):
        notifications.lead(text)


def planned(appointment: Appointment) -> list[tuple[str, str, Any]]:
    return [
        (row.kind, "parent" if row.parent_id else "therapist", row.due_at)
        for row in Notification.objects.filter(state=NotificationState.DUE).order_by("due_at", "pk")
    ]


@pytest.mark.django_db
@pytest.mark.engines
class TestPlans:
    def test_a_booking_owes_confirmation_notice_and_reminders(self) -> None:
        now, appointment = wall("2026-11-20 12:00"), make_appointment(start="2026-12-01 14:00")

        notifications.plan_booked(appointment, zone=AMSTERDAM, now=now)

        assert planned(appointment) == [
            (Kind.CONFIRMATION, "parent", now),
            (Kind.NEW_BOOKING, "therapist", now),
            (Kind.REMINDER, "parent", wall("2026-11-29 14:00")),
            (Kind.REMINDER, "parent", wall("2026-12-01 11:00")),
        ]

    def test_the_same_is_never_owed_twice(self) -> None:
        now, appointment = wall("2026-11-20 12:00"), make_appointment(start="2026-12-01 14:00")
        notifications.plan_booked(appointment, zone=AMSTERDAM, now=now)

        with pytest.raises(IntegrityError), transaction.atomic():
            notifications.plan_booked(appointment, zone=AMSTERDAM, now=now)

        assert Notification.objects.count() == 4

    def test_both_parents_get_theirs(self) -> None:
        appointment = make_appointment(start="2026-12-01 14:00")
        make_parent(appointment, email="second@example.org", booked=False)

        notifications.plan_booked(appointment, zone=AMSTERDAM, now=wall("2026-11-20 12:00"))

        assert Notification.objects.filter(kind=Kind.REMINDER).count() == 4
        assert Notification.objects.filter(kind=Kind.NEW_BOOKING).count() == 1

    @pytest.mark.parametrize(
        ("booked_at", "reminders"),
        [
            ("2026-11-29 02:00", 2),
            ("2026-11-29 02:01", 1),
            ("2026-11-30 23:00", 1),
            ("2026-11-30 23:01", 0),
        ],
        ids=["12 h before the first", "a minute less", "12 h before the second", "a minute less than that"],
    )
    def test_who_has_just_booked_is_not_reminded(self, booked_at: str, reminders: int) -> None:
        appointment = make_appointment(start="2026-12-01 14:00")

        notifications.plan_booked(appointment, zone=AMSTERDAM, now=wall(booked_at))

        assert Notification.objects.filter(kind=Kind.REMINDER).count() == reminders

    def test_two_leads_that_fall_on_one_evening_are_one_reminder(self) -> None:
        therapist = make_therapist()
        appointment = make_appointment(make_type(therapist, reminders=["3h", "2h"]), start="2026-12-01 09:00")

        notifications.plan_booked(appointment, zone=AMSTERDAM, now=wall("2026-11-20 12:00"))

        assert Notification.objects.filter(kind=Kind.REMINDER).count() == 1

    def test_a_move_voids_what_was_owed_for_the_old_time(self) -> None:
        appointment = make_appointment(start="2026-12-01 14:00")
        notifications.plan_booked(appointment, zone=AMSTERDAM, now=wall("2026-11-20 12:00"))
        Notification.objects.filter(kind=Kind.CONFIRMATION).update(
            state=NotificationState.SENT, sent_at=wall("2026-11-20 12:00")
        )
        appointment.sequence, appointment.start = 1, wall("2026-12-08 14:00")

        notifications.plan_moved(appointment, zone=AMSTERDAM, now=wall("2026-11-21 12:00"))

        assert Notification.objects.filter(state=NotificationState.VOID).count() == 3
        assert planned(appointment) == [
            (Kind.MOVED, "parent", wall("2026-11-21 12:00")),
            (Kind.MOVED, "therapist", wall("2026-11-21 12:00")),
            (Kind.REMINDER, "parent", wall("2026-12-06 14:00")),
            (Kind.REMINDER, "parent", wall("2026-12-08 11:00")),
        ]

    def test_who_wants_no_mail_gets_no_reminder_after_a_move_either(self) -> None:
        appointment = make_appointment(start="2026-12-01 14:00")
        Parent.objects.update(wants_mail=False)
        appointment.sequence = 1

        notifications.plan_moved(appointment, zone=AMSTERDAM, now=wall("2026-11-20 12:00"), tell_therapist=False)

        assert planned(appointment) == [(Kind.MOVED, "parent", wall("2026-11-20 12:00"))]

    @pytest.mark.parametrize("kind", [Kind.CONFIRMATION, Kind.MOVED])
    @pytest.mark.parametrize(
        ("state", "told"),
        [
            (NotificationState.DUE, True),
            (NotificationState.SENDING, True),
            (NotificationState.FAILED, True),
            (NotificationState.SENT, False),
        ],
    )
    def test_a_move_without_a_mail_still_tells_who_was_waiting_for_one(
        self, kind: Kind, state: NotificationState, *, told: bool
    ) -> None:
        appointment, now = make_appointment(start="2026-12-01 14:00"), wall("2026-11-30 12:00")
        stamps = {"sent_at": now} if state == NotificationState.SENT else {}
        stamps |= {"lease_until": now} if state == NotificationState.SENDING else {}
        make_notification(kind, appointment=appointment, state=state, **stamps)
        appointment.sequence = 1

        notifications.plan_moved(appointment, zone=AMSTERDAM, now=now, tell_parents=False, tell_therapist=False)

        fresh = appointment.notifications.filter(sequence=1).exclude(kind=Kind.REMINDER)
        assert [mail.kind for mail in fresh] == ([Kind.CONFIRMATION] if told else [])

    def test_what_failed_for_the_old_time_cannot_be_tried_again(self) -> None:
        appointment = make_appointment(start="2026-12-01 14:00")
        failed = make_notification(appointment=appointment, state=NotificationState.FAILED)
        appointment.sequence = 1

        notifications.plan_moved(appointment, zone=AMSTERDAM, now=wall("2026-11-20 12:00"))

        failed.refresh_from_db()
        assert failed.state == NotificationState.VOID

    def test_a_cancellation_leaves_nothing_owed_but_itself(self) -> None:
        appointment = make_appointment(start="2026-12-01 14:00")
        notifications.plan_booked(appointment, zone=AMSTERDAM, now=wall("2026-11-20 12:00"))
        appointment.sequence = 1

        notifications.plan_cancelled(appointment, now=wall("2026-11-21 12:00"))

        assert planned(appointment) == [
            (Kind.CANCELLED, "parent", wall("2026-11-21 12:00")),
            (Kind.CANCELLED, "therapist", wall("2026-11-21 12:00")),
        ]


@pytest.mark.django_db
@pytest.mark.engines
class TestOverviews:
    def test_each_therapist_with_appointments_today_gets_one(self) -> None:
        appointment = make_appointment(start="2026-12-01 14:00")
        make_therapist()

        for minute in (0, 1, 2):
            now = wall("2026-12-01 07:00") + timedelta(minutes=minute)
            notifications.plan_overviews(zone=AMSTERDAM, now=now)

        overview = Notification.objects.get()
        assert (overview.kind, overview.therapist) == (Kind.OVERVIEW, appointment.therapist)
        assert overview.due_at == wall("2026-12-01 07:00")

    @pytest.mark.parametrize("now", ["2026-12-01 06:59", "2026-12-02 07:00", "2026-11-30 23:59"])
    def test_not_before_seven_nor_on_other_days(self, now: str) -> None:
        make_appointment(start="2026-12-01 14:00")

        notifications.plan_overviews(zone=AMSTERDAM, now=wall(now))

        assert not Notification.objects.exists()

    def test_not_for_what_was_cancelled(self) -> None:
        make_appointment(start="2026-12-01 14:00", state=State.CANCELLED, cancelled_at=wall("2026-11-30 09:00"))

        notifications.plan_overviews(zone=AMSTERDAM, now=wall("2026-12-01 07:30"))

        assert not Notification.objects.exists()

    @pytest.mark.parametrize(("booked", "told"), [("06:59", True), ("07:00", False), ("12:00", False)])
    def test_what_is_booked_after_seven_calls_for_none(self, booked: str, *, told: bool) -> None:
        make_appointment(start="2026-12-01 14:00", changed_at=wall(f"2026-12-01 {booked}"))

        notifications.plan_overviews(zone=AMSTERDAM, now=wall("2026-12-01 12:01"))

        assert Notification.objects.exists() == told

    def test_who_takes_no_new_families_gets_one_and_who_left_does_not(self) -> None:
        for number, open_account in enumerate((True, False)):
            account = User.objects.create(username=f"{number}", is_active=open_account)
            make_appointment(therapist=make_therapist(active=False, user=account), start="2026-12-01 14:00")

        notifications.plan_overviews(zone=AMSTERDAM, now=wall("2026-12-01 07:30"))

        assert list(Notification.objects.values_list("therapist__user__is_active", flat=True)) == [True]

    def test_midnight_belongs_to_the_day_that_begins(self) -> None:
        appointment = make_appointment(start="2026-12-02 00:00")

        found = notifications.appointments_on(appointment.therapist, date(2026, 12, 1), AMSTERDAM)

        assert not found

    @pytest.mark.parametrize("start", ["2026-10-25 00:00", "2026-10-25 23:30"])
    def test_a_day_of_25_hours_has_all_its_appointments(self, start: str) -> None:
        appointment = make_appointment(start=start)

        found = notifications.appointments_on(
            appointment.therapist, wall(start).astimezone(AMSTERDAM).date(), AMSTERDAM
        )

        assert list(found) == [appointment]


@pytest.mark.django_db
@pytest.mark.engines
def test_a_link_to_choose_a_password_is_owed_once_a_minute() -> None:
    therapist, now = make_therapist(), wall("2026-12-01 10:00")

    for seconds in (0, 59, 60):
        notifications.plan_password_link(therapist, now=now + timedelta(seconds=seconds))

    assert [row.due_at - now for row in Notification.objects.order_by("pk")] == [
        timedelta(),
        timedelta(minutes=1),
    ]


@pytest.mark.django_db
@pytest.mark.engines
class TestVerdict:
    def verdict(self, notification: Notification, now: str) -> NotificationState | None:
        fresh = Notification.objects.select_related("appointment").get(pk=notification.pk)
        return notifications.verdict(fresh, zone=AMSTERDAM, now=wall(now))

    def test_what_is_true_and_in_time_goes_out(self) -> None:
        appointment = make_appointment(start="2026-12-01 14:00")

        assert self.verdict(make_notification(appointment=appointment), "2026-11-30 12:00") is None

    def test_what_was_moved_meanwhile_is_void(self) -> None:
        appointment = make_appointment(start="2026-12-01 14:00")
        notification = make_notification(appointment=appointment)
        Appointment.objects.update(sequence=1)

        assert self.verdict(notification, "2026-11-30 12:00") == NotificationState.VOID

    def test_what_was_erased_meanwhile_is_void(self) -> None:
        appointment = make_appointment(start="2026-12-01 14:00")
        notification = make_notification(appointment=appointment)
        Appointment.objects.update(erased_at=wall("2026-11-30 09:00"))

        assert self.verdict(notification, "2026-11-30 12:00") == NotificationState.VOID

    def test_what_the_state_belies_is_void(self) -> None:
        appointment = make_appointment(start="2026-12-01 14:00")
        confirmation, cancellation = (
            make_notification(kind, appointment=appointment) for kind in (Kind.CONFIRMATION, Kind.CANCELLED)
        )

        assert self.verdict(cancellation, "2026-11-30 12:00") == NotificationState.VOID
        Appointment.objects.update(state=State.CANCELLED, cancelled_at=wall("2026-11-30 09:00"))
        assert self.verdict(cancellation, "2026-11-30 12:00") is None
        assert self.verdict(confirmation, "2026-11-30 12:00") == NotificationState.VOID

    def test_nobody_is_asked_to_move_what_is_no_longer_asked(self) -> None:
        appointment = make_appointment(start="2026-12-01 14:00", asked_to_move_at=wall("2026-11-30 09:00"))
        asking = make_notification(Kind.ASK_TO_MOVE, appointment=appointment)

        assert self.verdict(asking, "2026-11-30 12:00") is None
        Appointment.objects.update(asked_to_move_at=None)
        assert self.verdict(asking, "2026-11-30 12:00") == NotificationState.VOID

    @pytest.mark.parametrize(
        ("asked", "expected"),
        [
            ("2026-11-29 13:00", None),
            ("2026-11-29 13:01", NotificationState.VOID),
            ("2026-11-29 14:30", NotificationState.VOID),
        ],
        ids=["an hour ago", "just now", "since it is due"],
    )
    def test_a_request_to_move_is_repeated_by_the_reminder_unless_it_is_fresh(
        self, asked: str, expected: NotificationState | None
    ) -> None:
        appointment = make_appointment(start="2026-12-01 14:00", asked_to_move_at=wall(asked))
        reminder = make_notification(Kind.REMINDER, appointment=appointment, due_at=wall("2026-11-29 14:00"))

        assert self.verdict(reminder, "2026-11-29 14:31") == expected

    def test_a_withdrawn_request_is_not_told_once_it_is_asked_again(self) -> None:
        appointment = make_appointment(start="2026-12-01 14:00")
        withdrawn = make_notification(Kind.ASK_WITHDRAWN, appointment=appointment)

        assert self.verdict(withdrawn, "2026-11-30 12:00") is None
        Appointment.objects.update(asked_to_move_at=wall("2026-11-30 11:00"))
        assert self.verdict(withdrawn, "2026-11-30 12:00") == NotificationState.VOID

    @pytest.mark.parametrize(
        ("now", "expected"),
        [("2026-11-30 14:00", None), ("2026-11-30 14:01", NotificationState.MISSED)],
        ids=["halfway", "past halfway"],
    )
    def test_a_reminder_past_half_its_lead_is_missed(self, now: str, expected: NotificationState | None) -> None:
        appointment = make_appointment(start="2026-12-01 14:00")
        reminder = make_notification(Kind.REMINDER, appointment=appointment, due_at=wall("2026-11-29 14:00"))

        assert self.verdict(reminder, now) == expected

    @pytest.mark.parametrize("kind", [Kind.CONFIRMATION, Kind.MOVED, Kind.REMINDER, Kind.NEW_BOOKING])
    def test_nothing_goes_out_about_a_start_that_has_been(self, kind: Kind) -> None:
        appointment = make_appointment(start="2026-12-01 14:00")

        assert self.verdict(make_notification(kind, appointment=appointment), "2026-12-01 14:00") == (
            NotificationState.MISSED
        )

    @pytest.mark.parametrize("kind", [Kind.NEW_BOOKING, Kind.MOVED, Kind.OVERVIEW])
    def test_who_left_gets_no_mail(self, kind: Kind) -> None:
        alice = make_therapist(user=User.objects.create(username="alice"))
        appointment = make_appointment(therapist=alice, start="2026-12-01 14:00")
        about = {"appointment": appointment} if kind != Kind.OVERVIEW else {"local_day": date(2026, 12, 1)}
        mail = make_notification(kind, therapist=alice, **about)

        assert self.verdict(mail, "2026-12-01 09:00") is None
        User.objects.update(is_active=False)
        assert self.verdict(mail, "2026-12-01 09:00") == NotificationState.VOID

    def test_a_family_hears_of_what_was_with_a_therapist_who_left(self) -> None:
        alice = make_therapist(user=User.objects.create(username="alice", is_active=False))
        mail = make_notification(appointment=make_appointment(therapist=alice, start="2026-12-01 14:00"))

        assert self.verdict(mail, "2026-11-30 12:00") is None

    def test_an_overview_of_a_day_that_emptied_is_void_and_of_a_past_day_missed(self) -> None:
        appointment = make_appointment(start="2026-12-01 14:00")
        overview = make_notification(
            Kind.OVERVIEW, therapist=appointment.therapist, local_day=wall("2026-12-01 12:00").date()
        )

        assert self.verdict(overview, "2026-12-01 09:00") is None
        assert self.verdict(overview, "2026-12-02 00:00") == NotificationState.MISSED
        Appointment.objects.update(state=State.CANCELLED, cancelled_at=wall("2026-12-01 08:00"), sequence=1)
        assert self.verdict(overview, "2026-12-01 09:00") == NotificationState.VOID
