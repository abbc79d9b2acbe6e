"""Requests are counted by the name of their view: nothing that a visitor chose becomes a label."""

import pytest
from django.test import Client
from prometheus_client import REGISTRY

from tests.practice.factories import make_page, make_practice

TOKEN = "q83vEjRWeJASNFZ4kKvN7w.0.Zt3kXh0b7m-Jc1Q2v4xY8s_Lr9uWdEaFgHiKjNoPqRs"

pytestmark = pytest.mark.django_db


def requests() -> dict[tuple[str, ...], float]:
    """Return how often each view was asked for, by view, method and status."""
    return {
        (sample.labels["view"], sample.labels["method"], sample.labels["status"]): sample.value
        for family in REGISTRY.collect()
        for sample in family.samples
        if sample.name == "kennismaking_requests_total"
    }


def test_a_request_is_counted_by_view_method_and_status(client: Client) -> None:
    make_practice()
    make_page("hechting")
    before = requests()

    client.get("/hechting/?name=Noor")
    client.get("/hechting/")
    client.get(f"/afspraak/beheer/{TOKEN}/")
    client.get("/Noor-de-Vries.php")
    client.generic("NOOR", "/hechting/")
    client.get("/healthz")

    counted = {labels: value - before.get(labels, 0) for labels, value in requests().items()}
    assert {labels: value for labels, value in counted.items() if value} == {
        ("page", "GET", "200"): 2,
        ("booking:manage", "GET", "404"): 1,
        ("none", "GET", "404"): 1,
        ("page", "other", "405"): 1,
    }


def test_the_time_that_answering_took_is_counted(client: Client) -> None:
    labels = {"view": "robots", "method": "GET"}
    before = REGISTRY.get_sample_value("kennismaking_request_seconds_count", labels) or 0

    client.get("/robots.txt")

    assert REGISTRY.get_sample_value("kennismaking_request_seconds_count", labels) == before + 1


def test_metrics_are_no_page_of_the_site(client: Client) -> None:
    make_practice()

    assert client.get("/metrics", follow=True).status_code == 404
