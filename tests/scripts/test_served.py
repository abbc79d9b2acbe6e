"""The harness for real servers: each installation is its own, on either engine, and leaves nothing behind."""

import json

import pytest

from tests.served import DEMO_EMAIL, Factory


@pytest.mark.servers
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_practice_is_served_on_either_engine(served: Factory, engine: str) -> None:
    with served(engine) as first, served(engine) as second:
        accounts = first.manage("dumpdata", "auth.user")
        assert accounts == second.manage("dumpdata", "auth.user")
        (account,) = json.loads(accounts)
        assert account["fields"]["email"] == DEMO_EMAIL
        assert (first.database_url != second.database_url) == (engine == "postgresql")

    assert not first.processes
    assert not first.data_dir.exists()
