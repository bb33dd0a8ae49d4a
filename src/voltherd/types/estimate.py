"""An estimate never travels without its interval, its method and its age."""

from dataclasses import dataclass
from typing import Final, final

import numpy as np
from jaxtyping import Float

from voltherd.types.quality import Quality

NORMAL_90: Final = 1.645
"""Half-width of a 90 % interval in standard uncertainties."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Estimates of one quantity for every cell at one time.

    Attributes:
        unix_time_second: The time the estimate is for [s].
        value: One per cell, in the quantity's own unit.
        sigma: Standard uncertainty of each value.
        quality: What to know before using it.
        method: The estimator's name, as in the benchmark.
        innovation: Measured minus predicted voltage per cell; NaN where not measured [V].
        apart_sigma: Standard uncertainty of each value's difference from the others, where common
            errors are known apart.
    """

    unix_time_second: float
    value: Float[np.ndarray, "*batch"]
    sigma: Float[np.ndarray, "*batch"]
    quality: Quality
    method: str
    innovation: Float[np.ndarray, "*batch"]
    apart_sigma: Float[np.ndarray, "*batch"] | None = None
