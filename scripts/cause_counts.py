"""Counts how often simulated faults show each piece of evidence of the fault tree.

python scripts/cause_counts.py            write src/voltherd/triage/cause_counts.py (some minutes)
"""

import pprint
import sys
from pathlib import Path

from voltherd.bench.root_cause import CALIBRATED_EACH, CALIBRATED_SEED, DAYS, cases, count

SOURCE = Path(__file__).resolve().parent.parent / "src" / "voltherd" / "triage" / "cause_counts.py"
HEALTHY = 8


def main() -> int:
    """Simulate, count and write."""
    found = cases(
        each=CALIBRATED_EACH, seed=CALIBRATED_SEED, healthy=HEALTHY, progress=lambda _: None
    )
    SOURCE.write_text(source(*count(found)), encoding="utf-8")
    print(f"wrote {SOURCE}")
    return 0


def source(
    counts: dict[str, dict[str, tuple[int, int]]], healthy: dict[str, tuple[int, int]]
) -> str:
    """Write the counts as a module."""
    told = pprint.pformat(counts, width=98, compact=True)
    return f'''"""How often simulated faults showed each piece of evidence: (seen, looked for).

Written by ``python scripts/cause_counts.py``, not by hand: {CALIBRATED_EACH} vehicles per kind and
size of fault, {HEALTHY} healthy ones, {DAYS} days each, seed {CALIBRATED_SEED}.
"""

from collections.abc import Mapping
from typing import Final

COUNTS: Final[Mapping[str, Mapping[str, tuple[int, int]]]] = {told}
"""By cause, by evidence, of findings at the planted place."""
HEALTHY: Final[Mapping[str, tuple[int, int]]] = {pprint.pformat(healthy, width=98, compact=True)}
"""By evidence, at places of vehicles without a fault."""
'''


if __name__ == "__main__":
    sys.exit(main())
