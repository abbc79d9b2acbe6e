"""What is looked at before anything serves, sends mail or makes tables: whether the keys are the right ones."""

from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, connections

# The tag of the checks that are asked.
KEYS = "keys"


def refuse_wrong_keys() -> None:
    """Return where the keys are right, or the database cannot be asked; raises ImproperlyConfigured with a
    sentence that says what to restore."""
    wrong = run_checks(tags=[KEYS], databases=[DEFAULT_DB_ALIAS])
    # Who starts may fork, and must not share a connection with its children.
    connections.close_all()
    if wrong:
        raise ImproperlyConfigured(" ".join(str(one.msg) for one in wrong))
