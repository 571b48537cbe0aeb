"""Ages of children: bands, stages of school, and which of them a range of ages meets."""

from enum import StrEnum


class AgeBand(StrEnum):
    """Bands of ages in which areas are counted; both ends belong to a band."""

    UNDER_5 = "0-4"
    TO_10 = "5-10"
    TO_15 = "11-15"
    TO_18 = "16-18"
    TO_25 = "19-25"

    @property
    def span(self) -> tuple[float, float]:
        """The first age of the band, and the first above it."""
        low, high = self.value.split("-")
        return float(low), float(high) + 1


class KeyStage(StrEnum):
    """Stages of the national curriculum, and the early years before them."""

    EYFS = "eyfs"
    KS1 = "ks1"
    KS2 = "ks2"
    KS3 = "ks3"
    KS4 = "ks4"
    KS5 = "ks5"

    @property
    def span(self) -> tuple[float, float]:
        """The first age of the stage, and the first above it."""
        return _STAGES[self]


_STAGES: dict[KeyStage, tuple[float, float]] = {
    KeyStage.EYFS: (0, 5),
    KeyStage.KS1: (5, 7),
    KeyStage.KS2: (7, 11),
    KeyStage.KS3: (11, 14),
    KeyStage.KS4: (14, 16),
    KeyStage.KS5: (16, 19),
}


def key_stages(age_min: float | None, age_max: float | None) -> list[str]:
    """The stages that a range of ages meets; none when no age is stated."""
    if age_min is None and age_max is None:
        return []
    low, high = age_min or 0, age_max if age_max is not None else float("inf")
    return [
        stage.value
        for stage, (start, end) in _STAGES.items()
        if low < end and (high > start or low == high == start)
    ]
