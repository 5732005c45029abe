"""Scores as recruiters see them in SmartRecruiters: `28/80` and 13 %."""

from typing import Protocol


class Scored(Protocol):
    score_raw: int | None
    score_min: int | None
    score_max: int | None


def score_text(scored: Scored) -> str | None:
    return None if scored.score_raw is None else f"{scored.score_raw}/{scored.score_max}"


def score_percent(scored: Scored) -> int | None:
    """Return (raw − min) / (max − min) in percent, rounded half up, in integer arithmetic."""
    if scored.score_raw is None or scored.score_min is None or scored.score_max is None:
        return None
    span = scored.score_max - scored.score_min
    return (200 * (scored.score_raw - scored.score_min) + span) // (2 * span)
