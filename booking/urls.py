from django.urls import path

from booking.views import parent

app_name = "booking"
urlpatterns = [
    path("afspraak/", parent.choose, name="choose"),
    path("afspraak/kiezen/", parent.hold, name="hold"),
    path("afspraak/gegevens/", parent.details, name="details"),
    path("afspraak/gewist/", parent.erased, name="erased"),
    path("afspraak/gemaakt/<str:token>/", parent.booked, name="booked"),
    path("afspraak/beheer/<str:token>/", parent.manage, name="manage"),
    path("afspraak/beheer/<str:token>/verzetten/", parent.reschedule, name="reschedule"),
    path("afspraak/beheer/<str:token>/afzeggen/", parent.cancel, name="cancel"),
    path("afspraak/beheer/<str:token>/wissen/", parent.erase, name="erase"),
    path("afspraak/beheer/<str:token>/afspraak.ics", parent.calendar_file, name="calendar_file"),
]
