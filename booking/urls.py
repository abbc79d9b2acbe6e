from django.urls import path

from booking.views import agenda, appointment, choosing, exceptions, feed, hours, managing, numbers, types

app_name = "booking"
urlpatterns = [
    path("afspraak/", choosing.choose, name="choose"),
    path("afspraak/kiezen/", choosing.hold, name="hold"),
    path("afspraak/gegevens/", choosing.details, name="details"),
    path("afspraak/gewist/", managing.erased, name="erased"),
    path("afspraak/gemaakt/<str:token>/", managing.booked, name="booked"),
    path("afspraak/beheer/<str:token>/", managing.manage, name="manage"),
    path("afspraak/beheer/<str:token>/verzetten/", managing.reschedule, name="reschedule"),
    path("afspraak/beheer/<str:token>/afzeggen/", managing.cancel, name="cancel"),
    path("afspraak/beheer/<str:token>/wissen/", managing.erase, name="erase"),
    path("afspraak/beheer/<str:token>/afspraak.ics", managing.calendar_file, name="calendar_file"),
    path("agenda/", agenda.coming, name="agenda"),
    path("agenda/eerder/", agenda.past, name="agenda_past"),
    path("agenda/afspraak/<uuid:public_id>/", appointment.show, name="agenda_appointment"),
    path("agenda/afspraak/<uuid:public_id>/afzeggen/", appointment.cancel, name="agenda_cancel"),
    path("agenda/afspraak/<uuid:public_id>/gekomen/", appointment.attended, name="agenda_attended"),
    path("agenda/afspraak/<uuid:public_id>/niet-gekomen/", appointment.no_show, name="agenda_no_show"),
    path("agenda/mail/<int:pk>/opnieuw/", agenda.retry_mail, name="retry_mail"),
    path("agenda/werktijden/", hours.working_hours, name="working_hours"),
    path("agenda/werktijden/nieuw/", hours.add_working_hours, name="add_working_hours"),
    path("agenda/werktijden/<int:pk>/", hours.change_working_hours, name="change_working_hours"),
    path("agenda/werktijden/<int:pk>/weg/", hours.end_working_hours, name="end_working_hours"),
    path("agenda/vrij/", exceptions.time_off, name="time_off"),
    path("agenda/vrij/nieuw/", exceptions.add_time_off, name="add_time_off"),
    path("agenda/vrij/<int:pk>/", exceptions.change_time_off, name="change_time_off"),
    path("agenda/vrij/<int:pk>/weg/", exceptions.remove_time_off, name="remove_time_off"),
    path("agenda/vrij/extra/", exceptions.add_extra_opening, name="add_extra_opening"),
    path("agenda/vrij/extra/<int:pk>/", exceptions.change_extra_opening, name="change_extra_opening"),
    path("agenda/vrij/extra/<int:pk>/weg/", exceptions.remove_extra_opening, name="remove_extra_opening"),
    path(
        "agenda/vrij/feestdag/<str:day>/open/", exceptions.work_on_holiday, {"works": True}, name="open_holiday"
    ),
    path(
        "agenda/vrij/feestdag/<str:day>/dicht/", exceptions.work_on_holiday, {"works": False}, name="close_holiday"
    ),
    path("agenda/vrij/importeren/", closures.import_closures, name="import_closures"),
    path("agenda/vrij/importeren/opslaan/", closures.save_closures, name="save_closures"),
    path("agenda/dag/", one_day.go_to_day, name="go_to_day"),
    path("agenda/dag/<str:day>/", one_day.change_day, name="day_hours"),
    path("agenda/dag/<str:day>/gewoon/", one_day.back_to_the_week, name="back_to_the_week"),
    path("agenda/abonnement/", feed.show, name="feed"),
    path("agenda/abonnement/aan/", feed.turn_on, name="turn_feed_on"),
    path("agenda/abonnement/nieuw/", feed.renew, name="renew_feed"),
    path("agenda/abonnement/uit/", feed.turn_off, name="turn_feed_off"),
    path("agenda/abonnement/<str:token>.ics", feed.read, name="read_feed"),
    path("agenda/cijfers/", numbers.show, name="numbers"),
    path("agenda/cijfers/cijfers.csv", numbers.download, name="download_numbers"),
    path("agenda/soorten/", types.appointment_types, name="appointment_types"),
    path("agenda/soorten/nieuw/", types.add_appointment_type, name="add_appointment_type"),
    path("agenda/soorten/<slug:slug>/", types.change_appointment_type, name="change_appointment_type"),
]
