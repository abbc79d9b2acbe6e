"""Brings what the practice runs on up to date: texts, tables, static files, first content.

`make run` runs this before it starts anything; whatever is wrong with the settings is said in a sentence.
Usage, in the checkout: python -m scripts.prepare
"""

import hashlib
import os
import shutil
import sys
import warnings
from io import StringIO
from pathlib import Path

import django
import redis
from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import Error, connection, transaction
from django.db.migrations.recorder import MigrationRecorder

from practice.management.commands.translations import compile_catalogs
from practice.queue import tidy
from practice.starting import refuse_wrong_keys


def prepare() -> None:
    """Do all of it, in order. Raises ImproperlyConfigured or CommandError with a sentence."""
    compile_catalogs()
    django.setup()
    check_servers()
    # Before the tables are touched, and before anything made up is put beside families.
    refuse_wrong_keys()
    print("Bringing the database up to date ...", flush=True)
    try:
        call_command("migrate", interactive=False, verbosity=0)
    except Error as error:
        raise CommandError(f"The database refuses its tables: {_first_line(error)}") from error
    # Once more, where only now there are the tables that tell.
    refuse_wrong_keys()
    if not settings.REDIS_URL:
        tidy(Path(settings.CELERY_BROKER_TRANSPORT_OPTIONS["data_folder_in"]))
    collect_static()
    call_command("load_practice", verbosity=0, stdout=StringIO())
    if settings.DEMO:
        call_command("load_demo", verbosity=0, stdout=StringIO())
    call_command("check", databases=["default"], verbosity=0, stdout=StringIO())


def check_servers() -> None:
    """Return when database and Redis answer. Raises ImproperlyConfigured."""
    where = "at DATABASE_URL" if os.environ.get("DATABASE_URL") else connection.settings_dict["NAME"]
    try:
        ours = _is_ours()
        # Of what can only be read, nobody would hear before the first booking.
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("CREATE TABLE can_be_written (id integer)")
            transaction.set_rollback(True)
    except Error as error:
        raise ImproperlyConfigured(f"The database {where} cannot be used: {_first_line(error)}") from error
    if not ours:
        raise ImproperlyConfigured(
            f"The database {where} holds the tables of another program. Give the practice an empty one of its own."
        )
    if settings.REDIS_URL:
        try:
            with redis.from_url(settings.REDIS_URL, socket_connect_timeout=3, socket_timeout=3) as client:
                client.ping()
        except ValueError as error:
            raise ImproperlyConfigured("REDIS_URL cannot be read. It looks like redis://host:6379/0") from error
        except redis.RedisError as error:
            raise ImproperlyConfigured(
                f"The Redis at REDIS_URL cannot be reached: {_first_line(error)}"
            ) from error


def _is_ours() -> bool:
    """Return whether the database is empty, or filled by this program, be it by a start that was cut off."""
    migrations = MigrationRecorder(connection)
    if not migrations.has_table():
        return not connection.introspection.table_names()
    migrated = {app for app, _ in migrations.applied_migrations()}
    return "practice" in migrated or migrated <= apps.app_configs.keys()


def collect_static() -> None:
    """Collect the static files into STATIC_ROOT, unless they are what was collected last, each byte of them."""
    sources = hashlib.sha256((settings.BASE_DIR / "requirements.txt").read_bytes())
    for path in sorted(path for folder in settings.STATICFILES_DIRS for path in Path(folder).rglob("*")):
        stat = path.stat()
        sources.update(f"{path} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    stamp = Path(settings.STATIC_ROOT) / ".collected"
    if stamp.is_file() and stamp.read_bytes() == _stamp(sources.hexdigest()):
        return
    print("Collecting the static files ...", flush=True)
    # With a damaged list in it Django could not even begin.
    if Path(settings.STATIC_ROOT).is_dir():
        shutil.rmtree(settings.STATIC_ROOT, ignore_errors=True)
    else:
        Path(settings.STATIC_ROOT).unlink(missing_ok=True)
    call_command("collectstatic", interactive=False, verbosity=0)
    stamp.write_bytes(_stamp(sources.hexdigest()))


def _stamp(sources: str) -> bytes:
    """Return what says that these `sources` were collected, and what became of them: a power cut leaves files
    behind that are empty, or full of zeros."""
    collected = hashlib.sha256(sources.encode())
    for path in sorted(Path(settings.STATIC_ROOT).rglob("*")):
        if path.is_file() and path.name != ".collected":
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            collected.update(f"{path.relative_to(settings.STATIC_ROOT)} {content}\n".encode())
    return collected.hexdigest().encode()


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "practice.settings")
    # It would print an address that it does not know, with the password in it.
    warnings.filterwarnings("ignore", message="Engine not recognized from url")
    try:
        prepare()
    except (ImproperlyConfigured, CommandError) as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"{error.filename or settings.DATA_DIR} cannot be read or written: {error.strerror}.")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
