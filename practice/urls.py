from django.conf import settings
from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.urls import include, path

from practice import views

handler400 = views.bad_request
handler403 = views.forbidden
handler404 = views.not_found
handler500 = views.server_error

urlpatterns = [
    path("favicon.ico", views.favicon, name="favicon"),
    path("robots.txt", views.robots, name="robots"),
    path(".well-known/security.txt", views.security_txt, name="security_txt"),
    path("sitemap.xml", views.sitemap, name="sitemap"),
    path("beeld/<slug:digest>.webp", views.picture, name="picture"),
    path("api/v1/", include("booking.api.urls")),
    *([path("stijl/", views.style, name="style")] if settings.DEBUG else []),
    *i18n_patterns(
        path("account/2fa/", include("allauth.mfa.urls")),
        path("account/", include("practice.account_urls")),
        path("beheer/", admin.site.urls),
        path("", include("booking.urls")),
        path("", views.page, name="home"),
        # Last: it takes every address of one word.
        path("<slug:slug>/", views.page, name="page"),
        prefix_default_language=False,
    ),
]
