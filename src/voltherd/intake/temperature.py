"""Which unit and offset temperatures are in: °C, °F, K, tenths, or a raw byte with +40.

Every hypothesis is scored on five kinds of evidence: the unit the source declares, the band packs
live in, the grid values fall on (whole °C look ragged in °F and in K), agreement of the probes with
the reported highest and lowest probe of the same table, and the air outside.
"""

from collections.abc import Mapping
from itertools import product
from typing import Final, NamedTuple

import numpy as np

from voltherd.intake import names
from voltherd.intake.numbers import middle as middle_of

_BYTE_CODES: Final = (255.0, 254.0)
"""A raw byte's 'invalid': where it occurs, the byte's usual +40 is likelier."""
_GRIDS: Final = (1.0, 0.5, 0.25, 0.1, 0.05, 0.01)


class Scale(NamedTuple):
    """A linear conversion: canonical = source * scale + offset.

    Attributes:
        scale: Canonical units per source unit.
        offset: Added after scaling.
        words: For people.
        confidence: Probability that it is right.
        why: The evidence, for people.
    """

    scale: float
    offset: float
    words: str
    confidence: float = 1.0
    why: str = ""


_HYPOTHESES: Final = (
    ("°C", 1.0, 0.0, "in °C", 0.0),
    ("K", 1.0, -273.15, "in K", -0.5),
    ("°F", 1.0 / 1.8, -32.0 / 1.8, "in °F", -2.0),
    ("°C", 1.0, -40.0, "in °C with +40 added", -1.5),
    ("°C", 0.1, 0.0, "in tenths of °C", -1.5),
    ("K", 0.1, -273.15, "in tenths of K", -1.0),
    ("°C", 0.5, -40.0, "in half °C with +40 °C added", -4.0),
    ("°C", 1.0, -50.0, "in °C with +50 added", -4.0),
    ("°F", 1.0 / 1.8, -32.0 / 1.8 - 40.0, "in °F of °C with +40 added", -4.5),
    ("K", 1.0, -313.15, "in K with +40 added", -4.5),
)


def decide_temperatures(
    groups: Mapping[str, np.ndarray], declared: Mapping[str, str]
) -> dict[str, Scale]:
    """Decide the conversion of probes, reported extremes and ambient air together.

    Args:
        groups: Sampled source values by role: probes (rows by probes), reported highest, lowest,
            ambient.
        declared: Unit each group declares, where it does.

    Returns:
        One conversion per group.
    """
    clean = {role: _clean(values) for role, values in groups.items()}
    clean = {role: values for role, values in clean.items() if np.isfinite(values).any()}
    pairs = ("temperature_celsius_max", "temperature_celsius_min")
    reported = [role for role in pairs if role in clean]
    scores = {
        role: _scores(
            values, declared.get(role, ""), bool(np.isin(groups[role], _BYTE_CODES).any())
        )
        for role, values in clean.items()
    }
    if reported:
        together = np.sum([scores[role] for role in reported], axis=0) / len(reported)
        for role in reported:
            scores[role] = together
    if names.PROBES not in clean:
        return {role: _pick(scores[role], "") for role in clean}
    joint, evidence = _joint(clean, scores, reported)
    found = {names.PROBES: _pick(joint.max(axis=1), evidence)}
    for role in reported:
        found[role] = _pick(joint.max(axis=0), evidence)
    for role in clean:
        if role not in found:
            found[role] = _pick(scores[role], "")
    return found


def _clean(values: np.ndarray) -> np.ndarray:
    """Blank the codes of an unused input, whatever the unit."""
    return np.where(np.isin(values, (255.0, 254.0, 65535.0, 65534.0, 6553.5, -1.0)), np.nan, values)


def _scores(values: np.ndarray, declared: str, byte: bool) -> np.ndarray:
    """Score of every hypothesis for one group alone; ``byte`` where codes of one byte occur."""
    known = values[np.isfinite(values)]
    low, middle, high = np.quantile(known, (0.02, 0.5, 0.98))
    distinct = np.unique(known)[:4000]
    grids = [_grid(distinct * scale + offset) for _, scale, offset, _, _ in _HYPOTHESES]
    scores = []
    for (unit, scale, offset, words, prior), grid in zip(_HYPOTHESES, grids, strict=True):
        cold, usual, hot = (value * scale + offset for value in (low, middle, high))
        score = prior - min(((usual - 22.0) / 16.0) ** 2 / 2.0, 8.0)
        score -= 3.0 * (cold < -40.0) + 4.0 * (hot > 90.0)
        # a pack that is never cooler than a hot summer's day is more likely misread
        score -= min((max(cold - 30.0, 0.0) / 8.0) ** 2 / 2.0, 6.0)
        score += 1.0 * (byte and offset == -40.0 and scale == 1.0)
        score += 2.0 * float(np.log10(grid / max(min(grids), 1e-3)))
        if declared:
            score += 8.0 * (declared == unit) + 2.0 * (words == f"in {declared}")
        scores.append(score)
    return np.array(scores)


def _grid(values: np.ndarray) -> float:
    """Coarsest grid on which nearly all values fall, 1e-3 where none does."""
    for step in _GRIDS:
        ticks = values / step
        if np.mean(np.abs(ticks - np.round(ticks)) < 2e-3 / min(step, 0.1)) > 0.97:
            return step
    return 1e-3


def _joint(
    clean: Mapping[str, np.ndarray], scores: Mapping[str, np.ndarray], reported: list[str]
) -> tuple[np.ndarray, str]:
    """Score pairs of hypotheses (probes, reported) by their agreement."""
    probes = clean[names.PROBES]
    live = np.isfinite(probes).any(axis=1)
    # a raw table may carry the extremes of the probes in another unit than the probes
    joint = scores[names.PROBES][:, None] + np.zeros(len(_HYPOTHESES))
    evidence = "no other temperature to compare with"
    if reported:
        joint = joint + scores[reported[0]][None, :]
        evidence = "compared with the reported extremes of the same table"
    elif "ambient_temperature_celsius" in clean:
        air = middle_of(clean["ambient_temperature_celsius"])
        middle = middle_of(probes)
        best = int(np.argmax(scores["ambient_temperature_celsius"]))
        _, scale, offset, _, _ = _HYPOTHESES[best]
        for row, (_, s, o, _, _) in enumerate(_HYPOTHESES):
            joint[row] -= 0.5 * min(abs(middle * s + o - air * scale - offset) / 10.0, 4.0)
        evidence = "compared with the air outside"
    for role in reported:
        reduce = np.fmax if role.endswith("max") else np.fmin
        extreme = reduce.reduce(probes[live], axis=1)
        told = clean[role][live]
        agree = np.zeros(joint.shape)
        for row, column in product(range(len(_HYPOTHESES)), repeat=2):
            _, s1, o1, _, _ = _HYPOTHESES[row]
            _, s2, o2, _, _ = _HYPOTHESES[column]
            apart = middle_of(np.abs(extreme * s1 + o1 - told * s2 - o2))
            agree[row, column] = (
                6.0 if apart < 1.6 else -min(apart, 12.0) if apart == apart else 0.0
            )
        # in one unit they agree or not, whichever it is: tenths only shrink the distance
        np.fill_diagonal(agree, agree.diagonal().max())
        joint = joint + agree
    return joint, evidence


def _pick(scores: np.ndarray, evidence: str) -> Scale:
    best = int(np.argmax(scores))
    weight = np.exp(scores - scores[best])
    _, scale, offset, words, _ = _HYPOTHESES[best]
    second = int(np.argsort(scores)[-2])
    why = f"next likely: {_HYPOTHESES[second][3]}"
    return Scale(
        scale, offset, words, float(1.0 / weight.sum()), f"{evidence}; {why}" if evidence else why
    )
