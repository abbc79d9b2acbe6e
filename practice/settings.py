"""The one settings file. Everything that differs between installations comes from the environment,
or from `practice.env` in DATA_DIR, which `make run` writes once; docs/configuration.md lists it all."""

from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import environ
from csp.constants import NONE, SELF
from django.conf.locale import LANG_INFO
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
DATA_DIR = Path(env.str("DATA_DIR", default=str(BASE_DIR / "data"))).resolve()
if (DATA_DIR / "practice.env").is_file():
    env.read_env(DATA_DIR / "practice.env")
# What may be handed over in a file of its own, as NAME_FILE, so that no list of processes or containers shows it.
_IN_FILES = (
    *("SECRET_KEY", "FIELD_KEYS", "LOOKUP_KEY", "API_KEYS"),
    *("DATABASE_URL", "DATABASE_PASSWORD", "REDIS_URL", "REDIS_PASSWORD", "EMAIL_URL"),
)


def _from_files() -> dict[str, str]:
    """Return what stands in the files that the environment names; what it says itself goes first."""
    found = {}
    for name in _IN_FILES:
        path = env.str(f"{name}_FILE", default="")
        if not path or env.str(name, default=""):
            continue
        try:
            found[name] = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text"
            raise ImproperlyConfigured(f"{name}_FILE names {path}, which cannot be read: {why}.") from error
        if not found[name]:
            raise ImproperlyConfigured(f"{name}_FILE names {path}, and that file is empty.")
    return found


# In a copy: what comes from files stays out of the environment that child processes get.
env.ENVIRON = {**env.ENVIRON, **_from_files()}


def _secret(name: str, read: Callable[[str], Any]) -> Any:
    """Return the secret `name` read by `read`; without it nothing may start, so there is no default."""
    if not env.str(name, default=""):
        raise ImproperlyConfigured(
            f"{name} is not set. `make run` makes one in DATA_DIR; elsewhere set it in the environment. "
            "See docs/configuration.md."
        )
    return read(name)


def _number(name: str, default: int, least: int = 0) -> int:
    """Return the whole number `name` of at least `least`, or `default` where it is not set."""
    value = env.str(name, default="") or str(default)
    if not value.isascii() or not value.isdigit() or int(value) < least:
        raise ImproperlyConfigured(f"{name} must be a whole number of at least {least}, not {value!r}.")
    return int(value)


SECRET_KEY = _secret("SECRET_KEY", env.str)
# What these have signed still counts, until it is signed anew or forgotten.
SECRET_KEY_FALLBACKS = env.list("OLD_SECRET_KEYS", default=[])
# Fernet keys, the newest first: the first one writes, all of them read.
FIELD_KEYS: list[str] = _secret("FIELD_KEYS", env.list)
# Keys the HMACs by which a mail address or a phone number is found again.
LOOKUP_KEY: str = _secret("LOOKUP_KEY", env.str)

DEBUG = env.bool("DEBUG", default=False)
DEMO = env.bool("DEMO", default=False)
# With these the demo's made-up therapist signs in; `.example` is nobody's (RFC 2606), so no mail ever arrives.
DEMO_EMAIL = env.str("DEMO_EMAIL", default="therapeut@demo.example")
DEMO_PASSWORD = env.str("DEMO_PASSWORD", default="")
HTTPS = env.bool("HTTPS", default=False)
PORT = _number("PORT", 8000, least=1)
# Where monitoring alone comes; 0 is none. gunicorn.conf.py listens there.
METRICS_PORT = _number("METRICS_PORT", 0)
if METRICS_PORT == PORT:
    raise ImproperlyConfigured("METRICS_PORT must differ from PORT, which everybody can reach.")
BASE_URL = env.str("BASE_URL", default=f"http://localhost:{PORT}").rstrip("/")
if urlsplit(BASE_URL).scheme not in {"http", "https"} or not urlsplit(BASE_URL).hostname:
    raise ImproperlyConfigured("BASE_URL must be a whole address, such as https://praktijk.example")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[urlsplit(BASE_URL).hostname, "localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = [BASE_URL]
# Networks of our own proxies: by what they say of a caller, limits count and https is known.
TRUSTED_PROXIES = [proxy.strip() for proxy in env.list("TRUSTED_PROXIES", default=[]) if proxy.strip()]
for _proxy in TRUSTED_PROXIES:
    try:
        ip_network(_proxy)
    except ValueError as error:
        raise ImproperlyConfigured(
            f"TRUSTED_PROXIES must be addresses or networks such as 127.0.0.1 or 10.0.0.0/8: {error}."
        ) from error

INSTALLED_APPS = [
    "practice",
    "schedule",
    "practice.apps.PracticeAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.sitemaps",
    "django.contrib.staticfiles",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "csp",
    "django_htmx",
    "phonenumber_field",
    "template_partials",
    # Last, since its admin takes out what the libraries above put in.
    "booking",
]

MIDDLEWARE = [
    # First: what it takes out nobody below may have read.
    "practice.proxies.ProxiesMiddleware",
    "practice.middleware.RequestIdMiddleware",
    "practice.middleware.ProbesMiddleware",
    "practice.metrics.MetricsMiddleware",
    # Above all that answers by itself: redirects, refusals and static files have these headers too.
    "csp.middleware.CSPMiddleware",
    "practice.middleware.PermissionsPolicyMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "practice.middleware.CompressionMiddleware",
    "practice.middleware.PrivatePagesMiddleware",
    "practice.kept.KeptPagesMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    # Before the check of a form's token, which reads the form.
    "practice.uploads.BodiesMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "practice.session_age.SessionAgeMiddleware",
    "practice.second_factor.SecondFactorMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "practice.middleware.NotAllowedMiddleware",
    "booking.client.CallerMiddleware",
    "practice.middleware.PracticeMiddleware",
]

ROOT_URLCONF = "practice.urls"
WSGI_APPLICATION = "practice.wsgi.application"
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "practice.context.practice",
            ],
        },
    },
]


def _database() -> dict[str, Any]:
    """Return Django's settings for DATABASE_URL, or for a SQLite file in DATA_DIR where none is given."""
    # The file is not written as an address: a folder may have a space, a plus or a number sign in its name.
    database: dict[str, Any] = {"ENGINE": "django.db.backends.sqlite3", "NAME": DATA_DIR / "practice.sqlite3"}
    url = env.str("DATABASE_URL", default="")
    try:
        if url:
            database = env.db_url_config(url)
        engine, name = database["ENGINE"], database["NAME"]
    except (ImproperlyConfigured, KeyError, ValueError) as error:
        raise ImproperlyConfigured(
            "DATABASE_URL cannot be read. It looks like postgresql://user:password@host:5432/name"
        ) from error
    if engine == "django.db.backends.sqlite3":
        if name == ":memory:":
            raise ImproperlyConfigured(
                "DATABASE_URL names a database in memory, which the web server and the worker cannot share. "
                "Leave it out, or name a file: sqlite:////path/to/practice.sqlite3"
            )
        # The same file from whichever folder a command is run.
        database["NAME"] = BASE_DIR / name
        # IMMEDIATE takes the write lock when a transaction begins, so what was checked inside it still
        # holds when it writes. FULL: a booking that was confirmed outlives a power cut.
        database["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 3,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-16000;",
        }
    elif engine == "django.db.backends.postgresql" and name:
        database["PASSWORD"] = env.str("DATABASE_PASSWORD", default="") or database.get("PASSWORD", "")
        database["OPTIONS"] = {**database.get("OPTIONS", {}), "connect_timeout": 5}
        if DATABASE_POOLER:
            # Each transaction may meet another connection: the pooler keeps them, and nothing may lie in one.
            database["CONN_MAX_AGE"] = 0
            database["DISABLE_SERVER_SIDE_CURSORS"] = True
        else:
            database["CONN_MAX_AGE"] = 600
            database["CONN_HEALTH_CHECKS"] = True
            # The lock on a therapist's row is held for milliseconds; who waits longer is told to try again.
            database["OPTIONS"]["options"] = "-c lock_timeout=3000 -c timezone=UTC"
    else:
        raise ImproperlyConfigured("DATABASE_URL must name a PostgreSQL database (postgresql://…) or be left out.")
    return database


# A pooler such as PgBouncer, in transaction mode, stands before the database (docs/scaling.md).
DATABASE_POOLER = env.bool("DATABASE_POOLER", default=False)
DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"


def _redis_url() -> str:
    """Return REDIS_URL with REDIS_PASSWORD in it, where that is given apart from it."""
    url: str = env.str("REDIS_URL", default="")
    password = env.str("REDIS_PASSWORD", default="")
    scheme, separator, rest = url.partition("://")
    if not password or not separator:
        return url
    user = rest.rpartition("@")[0].partition(":")[0] if "@" in rest else ""
    return f"{scheme}://{user}:{quote(password, safe='')}@{rest.rpartition('@')[2]}"


REDIS_URL = _redis_url()
if REDIS_URL:
    CACHES: dict[str, dict[str, Any]] = {
        "default": {"BACKEND": "practice.caches.JsonRedisCache", "LOCATION": REDIS_URL}
    }
    CELERY_BROKER_URL = REDIS_URL
    CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {"socket_connect_timeout": 1, "socket_timeout": 5}
else:
    CACHES = {
        "default": {
            "BACKEND": "practice.caches.JsonFileCache",
            "LOCATION": DATA_DIR / "cache",
        }
    }
    CELERY_BROKER_URL = "filesystem://"
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(DATA_DIR / "queue"),
        "data_folder_out": str(DATA_DIR / "queue"),
        "store_processed": False,
    }

CELERY_TIMEZONE = "UTC"
CELERY_TASK_IGNORE_RESULT = True
# The outbox row is the record, the message only a nudge: a lost message costs a minute, never a mail.
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BROKER_CONNECTION_TIMEOUT = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_BEAT_SCHEDULER = "practice.scheduler:Scheduler"
# So that `celery inspect ping` says within minutes that it hangs; on the embedded queue nobody can ask.
CELERY_BEAT_MAX_LOOP_INTERVAL = 30
CELERY_BEAT_ENABLE_REMOTE_CONTROL = bool(REDIS_URL)
CELERY_BEAT_SCHEDULE = {
    "deliver what is due": {"task": "booking.tasks.sweep", "schedule": 60.0, "options": {"expires": 55}},
    "erase what is past its term": {
        "task": "booking.tasks.tidy",
        "schedule": 3600.0,
        "options": {"expires": 3500},
    },
    "read the calendars elsewhere": {
        "task": "booking.tasks.read_calendars",
        "schedule": 300.0,
        "options": {"expires": 290},
    },
}


def _languages() -> list[tuple[str, Any]]:
    """Return the languages of LANGUAGES with their names, the site's first one in front."""
    codes = [code.strip().lower() for code in env.list("LANGUAGES", default=["nl", "en"])]
    for code in codes:
        if "name" not in LANG_INFO.get(code, {}):
            raise ImproperlyConfigured(f"LANGUAGES must be codes such as nl,en,de; {code!r} is none.")
    # The names are translated by Django's own catalogues.
    return [(code, gettext_lazy(LANG_INFO[code]["name"])) for code in dict.fromkeys(codes)]


LANGUAGES = _languages()
LANGUAGE_CODE = LANGUAGES[0][0]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = ["practice.formats"]
USE_I18N = True
USE_TZ = True
# Times are UTC inside; the practice's own zone, in its record, is made current for each request and mail.
TIME_ZONE = "UTC"
PHONENUMBER_DEFAULT_REGION = "NL"
PHONENUMBER_DB_FORMAT = "E164"
PHONENUMBER_DEFAULT_FORMAT = "INTERNATIONAL"

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
# No other site has any use for a file of ours.
WHITENOISE_ALLOW_ALL_ORIGINS = False
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# An address of its own for mail: EMAIL_URL alone decides, and without it mails become files in DATA_DIR/mail.
MAIL_DIR = DATA_DIR / "mail"
EMAIL_URL = env.str("EMAIL_URL", default="")
_MAIL_PORTS = {"smtp": 25, "smtp+tls": 587, "smtp+ssl": 465}
if EMAIL_URL:
    try:
        _email = urlsplit(EMAIL_URL)
        _usual_port = _MAIL_PORTS[_email.scheme]
        EMAIL_HOST, EMAIL_PORT = _email.hostname, _email.port or _usual_port
    except (KeyError, ValueError):
        EMAIL_HOST = None
    if not EMAIL_HOST:
        raise ImproperlyConfigured(
            "EMAIL_URL must name a mail server: smtp+tls://user:password@host:587, or smtp+ssl:// or smtp:// for "
            "another kind of connection. Mail providers have such a server too."
        )
    EMAIL_BACKEND = "practice.mail.SmtpBackend"
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = unquote(_email.username or ""), unquote(_email.password or "")
    EMAIL_USE_TLS, EMAIL_USE_SSL = _email.scheme == "smtp+tls", _email.scheme == "smtp+ssl"
else:
    EMAIL_BACKEND = "practice.mail.EmlBackend"
# A server that accepts the connection and then says nothing would hold a worker for ever.
EMAIL_TIMEOUT = _number("EMAIL_TIMEOUT", 60, least=1)
DEFAULT_FROM_EMAIL = env.str("FROM_EMAIL", default="")

RATE_LIMITS = env.bool("RATE_LIMITS", default=True)
# How many appointments to come one mail address can book for itself: no family takes every time there is.
OPEN_APPOINTMENTS = _number("OPEN_APPOINTMENTS", 3, least=1)
# From which share (percent) of the horizon on, booked in an hour by all visitors together or from one network, a
# booking stands only once it was confirmed by mail: decision 58 argues them.
CONFIRM_SHARE = _number("CONFIRM_SHARE", 10, least=1)
CONFIRM_NETWORK_SHARE = _number("CONFIRM_NETWORK_SHARE", 2, least=1)
API_BOOKING = env.str("API_BOOKING", default="open" if DEMO else "key")
API_KEYS = env.list("API_KEYS", default=[])
if API_BOOKING not in {"key", "open", "off"}:
    raise ImproperlyConfigured("API_BOOKING must be one of: key, open, off")
ERASE_AFTER_DAYS = _number("ERASE_AFTER_DAYS", 30)
# How long it is kept who saw or changed a family's data: five years.
ACCESS_LOG_DAYS = _number("ACCESS_LOG_DAYS", 1826, least=1)
# Networks of one's own, such as 192.168.1.0/24, where calendars may be read besides the public internet.
CALENDAR_NETWORKS = env.list("CALENDAR_NETWORKS", default=[])

AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "practice.passwords.LongEnoughValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "practice.passwords.NotOfThisPracticeValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "booking:agenda"
ACCOUNT_ADAPTER = "booking.accounts.AccountAdapter"
ACCOUNT_FORMS = {
    "login": "booking.forms.account.LoginForm",
    "reauthenticate": "booking.forms.account.ReauthenticateForm",
    "change_password": "booking.forms.account.ChangePasswordForm",
}
# allauth's own limits, a try of one account among them, stand beside those of rate_limits.py.
ACCOUNT_RATE_LIMITS: dict[str, str] | bool = {} if RATE_LIMITS else False
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_REDIRECT_URL = "/"
MFA_ADAPTER = "booking.accounts.SecondFactorAdapter"
MFA_FORMS = {
    "activate_totp": "booking.forms.account.ActivateForm",
    "authenticate": "booking.forms.account.CodeForm",
    "reauthenticate": "booking.forms.account.ConfirmCodeForm",
    "add_webauthn": "booking.forms.account.AddPasskeyForm",
    "edit_webauthn": "booking.forms.account.NamePasskeyForm",
    "authenticate_webauthn": "booking.forms.account.PasskeyForm",
    "login_webauthn": "booking.forms.account.SignInByPasskeyForm",
    "reauthenticate_webauthn": "booking.forms.account.ConfirmPasskeyForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
# A passkey is both steps in one: the device itself asks who holds it.
MFA_PASSKEY_LOGIN_ENABLED = True
# How long the link in a mail can be used to choose a password.
PASSWORD_RESET_TIMEOUT = 3 * 24 * 3600
# A code still counts half a minute before and after: phones are slow to type on, and their clocks differ.
MFA_TOTP_TOLERANCE = 1
# Families' data is shown only behind a second factor; the demo alone may go without, and says so.
SECOND_FACTOR = env.bool("SECOND_FACTOR", default=not DEMO)

# Gone with the browser window: phones are lent, and nothing here needs to be remembered for longer.
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
# Who signed in is asked again after so long without a request, and after so long whatever was done (decision 25).
SESSION_IDLE_HOURS = _number("SESSION_IDLE_HOURS", 4, least=1)
SESSION_MOST_HOURS = _number("SESSION_MOST_HOURS", 24, least=1)
SESSION_COOKIE_AGE = SESSION_MOST_HOURS * 3600
CSRF_COOKIE_AGE = None
SESSION_COOKIE_SAMESITE = "Lax"
# In the session, not in a cookie of their own, which would be neither __Host- nor of use to anyone.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "practice.views.csrf_failure"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if HTTPS:
    SESSION_COOKIE_NAME = "__Host-session"
    CSRF_COOKIE_NAME = "__Host-csrf"
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SECURE_HSTS_SECONDS = 31536000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = env.bool("HSTS_SUBDOMAINS", default=False)
    SECURE_SSL_REDIRECT = True
    # Software that calls over plain http is refused, or nobody would notice what it sends in the open.
    SECURE_REDIRECT_EXEMPT = [r"^api/v1/(?!docs$|problems/)"]
    if TRUSTED_PROXIES:
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# Names under the domain are not ours to speak for: HSTS_SUBDOMAINS and the preload list are the owner's choice.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    }
}

# Forms here are short; who sends more is not filling one in.
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500
DATA_UPLOAD_MAX_NUMBER_FILES = 1
FILE_UPLOAD_HANDLERS = ["practice.uploads.SmallFilesUploadHandler"]

LOG_FORMAT = env.str("LOG_FORMAT", default="") or "plain"
if LOG_FORMAT not in {"plain", "json"}:
    raise ImproperlyConfigured("LOG_FORMAT must be one of: plain, json")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"redact": {"()": "practice.logs.Redact"}},
    "formatters": {"chosen": {"()": "practice.logs.formatter", "kind": LOG_FORMAT}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "filters": ["redact"], "formatter": "chosen"},
    },
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        "django.server": {"handlers": [], "level": "INFO", "propagate": True},
        # Who writes a wrong Host or a broken form gets an answer; a traceback of each would bury what matters.
        "django.security": {"handlers": [], "level": "CRITICAL", "propagate": True},
        # That it got a task and did it, each minute, is no news; what came of it is in our own lines.
        "celery": {"handlers": [], "level": "WARNING", "propagate": True},
    },
}
