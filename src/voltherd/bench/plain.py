"""Tables of benchmarks as JSON can say them."""

import math
from collections.abc import Mapping
from typing import Any


def finite(value: Any) -> Any:  # noqa: ANN401
    """Give what JSON can say: numbers that are none become null.

    >>> finite({"rmse": float("nan"), "rows": (1.0, float("inf"))})
    {'rmse': None, 'rows': [1.0, None]}
    """
    if isinstance(value, Mapping):
        return {key: finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
