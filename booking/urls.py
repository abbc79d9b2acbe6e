from django.urls import path

from booking.views import agenda, appointment, choosing, exceptions, hours, managing, types

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
    path("agenda/vrij/<int:pk>/weg/", exceptions.remove_time_off, name="remove_time_off"),
    path("agenda/vrij/extra/", exceptions.add_extra_opening, name="add_extra_opening"),
    path("agenda/vrij/extra/<int:pk>/weg/", exceptions.remove_extra_opening, name="remove_extra_opening"),
    path("agenda/soorten/", types.appointment_types, name="appointment_types"),
    path("agenda/soorten/nieuw/", types.add_appointment_type, name="add_appointment_type"),
    path("agenda/soorten/<slug:slug>/", types.change_appointment_type, name="change_appointment_type"),
]
