"""A forecast learned from the history: boosted trees, one for each quantile.

What they see of a step ahead: where in the day and the week it lies, how far ahead it is, what was
there a day and a week before, and the last values known.  Needs the extra ``learn``.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from jaxtyping import Float

from voltherd.charging.forecast import Method, Quantiles, Series, known
from voltherd.errors import UsageError

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingRegressor

SEASONS: Final = 7
"""Of the short season in the long one: days of a week."""
ORIGIN_STRIDE: Final = 6
"""Training rows begin at every sixth step: neighbours say nearly the same."""


def boosted(season: int, least: float = -np.inf) -> Method:
    """Learn quantiles anew at every call, from the history alone.

    Args:
        season: Steps of a day.
        least: No value is below this.

    Raises:
        UsageError: scikit-learn is not installed.
    """
    _model(0.5)

    def forecast(history: Series, horizon: int, levels: Sequence[float]) -> Quantiles:
        long = SEASONS * season
        known(history, long + horizon + season)
        ends = np.arange(long, len(history) - horizon + 1, ORIGIN_STRIDE)
        seen = np.concatenate([_features(history, int(end), horizon, season) for end in ends])
        came = np.concatenate([history[end : end + horizon] for end in ends.tolist()])
        now = _features(history, len(history), horizon, season)
        given = np.array([_model(level).fit(seen, came).predict(now) for level in levels])
        return np.asarray(np.maximum(np.sort(given, axis=0), least))

    return forecast


def _features(
    history: Series, end: int, horizon: int, season: int
) -> Float[np.ndarray, "horizon features"]:
    """Describe the steps ahead of ``end`` by what was known there."""
    long = SEASONS * season
    ahead = np.arange(horizon)
    day = end - season + ahead % season
    week = end - long + ahead % long
    recent = history[end - season : end]
    last = np.array([history[end - 1], recent[-4:].mean(), recent.mean()])
    return np.column_stack(
        [
            (end + ahead) % season,
            (end + ahead) % long // season,
            ahead,
            history[day],
            history[week],
            np.broadcast_to(last, (horizon, len(last))),
        ]
    )


def _model(level: float) -> "HistGradientBoostingRegressor":
    """Give trees for one quantile."""
    try:
        from sklearn.ensemble import HistGradientBoostingRegressor
    except ImportError as error:
        raise UsageError(
            "learned forecasts need scikit-learn", mend="pip install 'voltherd[learn]'"
        ) from error
    return HistGradientBoostingRegressor(
        loss="quantile",
        quantile=level,
        max_iter=60,
        max_leaf_nodes=15,
        min_samples_leaf=40,
        random_state=0,
    )
