"""How often simulated faults showed each piece of evidence: (seen, looked for).

Written by ``python -m voltherd.bench.root_cause``; not to be edited by hand.
"""

from collections.abc import Mapping
from typing import Final

COUNTS: Final[Mapping[str, Mapping[str, tuple[int, int]]]] = {}
HEALTHY: Final[Mapping[str, tuple[int, int]]] = {}
