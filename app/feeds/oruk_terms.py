"""Our vocabularies as taxonomies. Ids are made of the words, so that they are the same in every
region that runs this software."""

from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID, uuid5

from sqlmodel import Session

from app.access.models import Caller
from app.feeds.oruk_models import OrukAttribute, OrukTaxonomy, OrukTaxonomyTerm
from app.opportunities.models import Kind
from app.vocabularies import queries
from app.vocabularies.models import DESCRIPTIONS, Vocabulary

NAMESPACE = UUID("6f2e8f0e-6f0e-5d0b-9a52-0d6b7f6b2a31")
KIND = "kind"
NAMES: Mapping[str, str] = {
    Vocabulary.ARTFORM: "Artforms",
    Vocabulary.THEME: "Themes",
    Vocabulary.AUDIENCE: "Audiences",
    Vocabulary.ACCESS: "Access and SEND features",
    KIND: "Kinds of opportunity",
}
"""The taxonomies, in their order."""
MEMBERS: Mapping[str, str] = {
    Vocabulary.ARTFORM: "artforms",
    Vocabulary.THEME: "themes",
    Vocabulary.AUDIENCE: "audiences",
    Vocabulary.ACCESS: "access",
}
"""Where a listing carries the terms of each."""


class Terms:
    """All terms, by their ids and by their codes."""

    def __init__(self, session: Session, caller: Caller, public_url: str) -> None:
        self.taxonomies = [
            OrukTaxonomy(
                id=taxonomy_id(name),
                name=label,
                description=_about(name),
                uri=f"{public_url}/v1/vocabularies/{name}",
            )
            for name, label in NAMES.items()
        ]
        self.all: list[OrukTaxonomyTerm] = []
        self.codes: dict[UUID, tuple[str, str]] = {}
        self._of: dict[tuple[str, str], OrukTaxonomyTerm] = {}
        for vocabulary, code, label, about, parent in self._rows(session, caller):
            term = OrukTaxonomyTerm(
                id=term_id(vocabulary, code),
                name=label,
                description=about or label,
                parent_id=term_id(vocabulary, parent) if parent else None,
                taxonomy=NAMES[vocabulary],
                taxonomy_id=taxonomy_id(vocabulary),
                term=code,
                term_uri=f"{public_url}/v1/vocabularies/{vocabulary}/terms/{code}",
            )
            self.all.append(term)
            self.codes[term.id] = vocabulary, code
            self._of[vocabulary, code] = term

    @staticmethod
    def _rows(session: Session, caller: Caller) -> Iterator[tuple[str, str, str, str, str | None]]:
        rows = session.execute(queries.visible_to(caller)).scalars().all()
        for name in MEMBERS:
            for row in rows:
                if row.vocabulary == name and not row.retired:
                    yield name, row.code, row.label, row.description, row.parent
        for kind in Kind:
            yield KIND, kind.value, kind.value.replace("_", " ").capitalize(), "", None

    def attributes(self, service: UUID, carried: Sequence[tuple[str, str]]) -> list[OrukAttribute]:
        """The terms that a service carries; one that was retired is left out."""
        return [
            OrukAttribute(
                id=uuid5(service, str(term.id)),
                link_id=service,
                link_type="service",
                taxonomy_term_id=term.id,
                taxonomy_term=term,
            )
            for one in carried
            if (term := self._of.get(one)) is not None
        ]

    def name(self, vocabulary: str, code: str) -> str:
        """What people call a term."""
        term = self._of.get((vocabulary, code))
        return term.name if term else code.replace("_", " ").capitalize()


def _about(name: str) -> str:
    return (
        DESCRIPTIONS[Vocabulary(name)] if name != KIND else "What sort of thing a listing offers."
    )


def taxonomy_id(name: str) -> UUID:
    """The id of a taxonomy."""
    return uuid5(NAMESPACE, name)


def term_id(vocabulary: str, code: str) -> UUID:
    """The id of a term."""
    return uuid5(NAMESPACE, f"{vocabulary}/{code}")
