"""What leads to the feeds: the dataset page, the catalogues, and our scheme of artforms."""

import html
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from app.feeds.openactive_models import Feed

FEEDS: Mapping[str, tuple[str, Feed | None]] = {
    "session-series": ("SessionSeries", Feed.SESSION_SERIES),
    "scheduled-sessions": ("ScheduledSession", None),
    "events": ("Event", Feed.EVENT),
    "course-instances": ("CourseInstance", Feed.COURSE_INSTANCE),
}
"""The feeds by the last part of their addresses: what they hold, and which items those are."""
DOCUMENTATION = "https://permalink.openactive.io/dataset-site/open-data-documentation"
VERSION = "https://openactive.io/modelling-opportunity-data/2.0/"
NAME = "What children and young people can take part in: arts, culture and heritage"
DESCRIPTION = (
    "Workshops, clubs, courses, performances and more of the Local Cultural Education "
    "Partnerships, kept up as they change. Each listing stands in one of the feeds: what repeats "
    "in SessionSeries with its dates in ScheduledSession, what is booked as a whole in "
    "CourseInstance, what happens once in Event."
)


class Publisher(NamedTuple):
    """Who publishes, where, and on what terms."""

    name: str
    public_url: str
    licence: str


def feed_address(public_url: str, name: str) -> str:
    """The address of a feed."""
    return f"{public_url}/openactive/feeds/{name}"


def dataset(publisher: Publisher, version: str) -> dict[str, Any]:
    """The dataset, as JSON-LD."""
    home = f"{publisher.public_url}/openactive"
    return {
        "@context": ["https://schema.org/", "https://openactive.io/"],
        "@type": "Dataset",
        "@id": home,
        "url": home,
        "name": NAME,
        "description": DESCRIPTION,
        "keywords": ["Arts", "Culture", "Heritage", "Children", "Young people", "OpenActive"],
        "license": publisher.licence,
        "schemaVersion": VERSION,
        "discussionUrl": f"{publisher.public_url}/docs",
        "documentation": DOCUMENTATION,
        "inLanguage": ["en-GB"],
        "publisher": {
            "@type": "Organization",
            "name": publisher.name,
            "legalName": publisher.name,
            "url": f"{publisher.public_url}/",
            "logo": {"@type": "ImageObject", "url": f"{home}/logo.svg"},
        },
        "backgroundImage": {"@type": "ImageObject", "url": f"{home}/logo.svg"},
        "bookingService": {
            "@type": "BookingService",
            "name": "Local Cultural Education Partnerships",
            "url": f"{publisher.public_url}/",
            "softwareVersion": version,
        },
        "distribution": [
            {
                "@type": "DataDownload",
                "name": kind,
                "additionalType": f"https://openactive.io/{kind}",
                "encodingFormat": "application/vnd.openactive.rpde+json; version=1",
                "contentUrl": feed_address(publisher.public_url, name),
                "identifier": kind,
            }
            for name, (kind, _) in FEEDS.items()
        ],
    }


def page(found: Mapping[str, Any]) -> str:
    """The dataset page: the JSON-LD for machines, and the same for people."""
    # Inside a script element nothing is escaped but what would end it.
    embedded = json.dumps(found, ensure_ascii=False).replace("<", "\\u003c")
    rows = "".join(
        f'<li><a href="{html.escape(one["contentUrl"])}">{html.escape(one["name"])}</a></li>'
        for one in found["distribution"]
    )
    name, licence = html.escape(found["name"]), html.escape(found["license"])
    return f"""<!doctype html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{name}</title>
<script type="application/ld+json">{embedded}</script>
</head>
<body>
<h1>{name}</h1>
<p>{html.escape(found["description"])}</p>
<h2>Feeds</h2>
<ul>{rows}</ul>
<p>They follow <a href="https://openactive.io/">OpenActive</a>: Realtime Paged Data Exchange 1.0
and Modelling Opportunity Data 2.0. <a href="{html.escape(found["documentation"])}">How to use
them</a>.</p>
<p>Published by {html.escape(found["publisher"]["name"])}, under
<a rel="license" href="{licence}">{licence}</a>.</p>
</body>
</html>
"""


def catalogue(publisher: Publisher) -> dict[str, Any]:
    """The catalogue of the datasets here, of which there is one."""
    return {
        **_catalogue(publisher, "catalogue"),
        "dataset": [f"{publisher.public_url}/openactive"],
    }


def collection(publisher: Publisher) -> dict[str, Any]:
    """The collection of catalogues with which clients begin, as OpenActive's own."""
    return {
        **_catalogue(publisher, "data-catalog-collection.jsonld"),
        "hasPart": [f"{publisher.public_url}/openactive/catalogue"],
    }


def _catalogue(publisher: Publisher, name: str) -> dict[str, Any]:
    return {
        "@context": "https://schema.org/",
        "@type": "DataCatalog",
        "@id": f"{publisher.public_url}/openactive/{name}",
        "name": NAME,
        "license": publisher.licence,
        "publisher": {
            "@type": "Organization",
            "name": publisher.name,
            "url": f"{publisher.public_url}/",
        },
    }


def artforms(public_url: str, terms: Sequence[Any]) -> dict[str, Any]:
    """Our artforms as a SKOS concept scheme, in the shape of OpenActive's activity list."""
    scheme = f"{public_url}/openactive/artforms"
    concepts = []
    for term in terms:
        concept: dict[str, Any] = {
            "id": f"{scheme}#{term.code}",
            "type": "Concept",
            "identifier": term.code,
            "prefLabel": term.label,
            "notation": term.code,
            "inScheme": scheme,
        }
        if term.description:
            concept["definition"] = term.description
        if term.parent:
            concept["broader"] = [f"{scheme}#{term.parent}"]
        else:
            concept["topConceptOf"] = scheme
        concepts.append(concept)
    return {
        "@context": "https://openactive.io/",
        "id": scheme,
        "type": "ConceptScheme",
        "title": "Artforms",
        "description": "Kinds of art, craft and heritage.",
        "concept": concepts,
    }
