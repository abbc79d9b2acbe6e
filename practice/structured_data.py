"""What search engines read about the practice and its articles (schema.org, as JSON-LD)."""

import json
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString

from practice.links import absolute
from practice.models import Page, Practice, page_path
from practice.pages import questions_of

# Inside a script element only these could end it or begin a comment (HTML, 4.12.1.3).
_ESCAPES = {ord("<"): "\\u003C", ord(">"): "\\u003E", ord("&"): "\\u0026"}

# These describe the practice, and are no article; "" is the home page.
_NO_ARTICLES = {"", "contact"}


def of_page(page: Page, practice: Practice, booking_path: str) -> list[dict[str, Any]]:
    """Return all that `page` tells search engines: of the practice, of itself, and of what it asks and answers."""
    told = [business(practice, booking_path)]
    if page.slug not in _NO_ARTICLES:
        told.append(article(page, practice))
    if asked := questions(page):
        told.append(asked)
    return told


def business(practice: Practice, booking_path: str) -> dict[str, Any]:
    """Return `practice` as a LocalBusiness, in the language of the moment; `booking_path` is where one books.

    Not as a MedicalBusiness: psychosocial therapy is no medicine, and search engines would show it among doctors.
    """
    return {
        "@context": "https://schema.org",
        "@type": "LocalBusiness",
        "@id": absolute("/#practice"),
        "name": practice.name,
        "description": str(practice.description),
        "url": absolute(page_path("")),
        "telephone": practice.phone.as_e164,
        "email": practice.email,
        "address": {
            "@type": "PostalAddress",
            "streetAddress": practice.street,
            "postalCode": practice.postal_code,
            "addressLocality": practice.city,
            "addressCountry": "NL",
        },
        "hasMap": practice.map_url,
        "identifier": [
            {"@type": "PropertyValue", "name": name, "value": number} for name, number in practice.registrations
        ],
        "potentialAction": {"@type": "ReserveAction", "target": absolute(booking_path)},
    }


def article(page: Page, practice: Practice) -> dict[str, Any]:
    """Return `page` as an Article that `practice` publishes."""
    publisher = {"@type": "Organization", "@id": absolute("/#practice"), "name": practice.name}
    return {
        "@context": "https://schema.org",
        "@type": "Article",
        "headline": page.title,
        "description": page.description,
        "inLanguage": page.language,
        "dateModified": page.changed_at.isoformat(timespec="seconds"),
        "mainEntityOfPage": absolute(page_path(page.slug)),
        "author": publisher,
        "publisher": publisher,
    }


def questions(page: Page) -> dict[str, Any] | None:
    """Return the questions that the text of `page` asks and answers as a FAQPage; None where it asks none."""
    asked = questions_of(page.body)
    if not asked:
        return None
    return {
        "@context": "https://schema.org",
        "@type": "FAQPage",
        "inLanguage": page.language,
        "url": absolute(page_path(page.slug)),
        "mainEntity": [
            {"@type": "Question", "name": question, "acceptedAnswer": {"@type": "Answer", "text": answer}}
            for question, answer in asked
        ],
    }


def script(data: dict[str, Any]) -> SafeString:
    """Return `data` as a script element: a block of data, which no content policy keeps from standing inline."""
    text = json.dumps(data, ensure_ascii=False).translate(_ESCAPES)
    return format_html('<script type="application/ld+json">{}</script>', SafeString(text))
