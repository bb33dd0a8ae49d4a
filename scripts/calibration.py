"""Write the calibration that voltherd ships, from fleets it simulates; may be stopped and goes on.

python scripts/calibration.py FOLDER --vehicle-days 100000     about a quarter of a CPU-second each
"""

import argparse
import json
from pathlib import Path

from voltherd.bench import healthy, planted
from voltherd.bench.calibration import document
from voltherd.triage import calibration

SHIPPED = Path(calibration.__file__).with_name("calibration.json")


def main() -> None:
    """Measure what is missing, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where finished lines are kept")
    parser.add_argument("--vehicle-days", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=4711)
    parser.add_argument("--each", type=int, default=2, help="vehicles per kind and size of fault")
    parser.add_argument("--out", type=Path, default=SHIPPED)
    given = parser.parse_args()
    right = planted.measure(given.each, given.seed, given.folder, print)
    false = healthy.measure(given.vehicle_days, given.seed, given.folder, print)
    text = json.dumps(document(false, right), indent=1) + "\n"
    given.out.write_text(text, encoding="utf-8")
    low, high = false.per_thousand_bounds
    print(
        f"{len(false.false)} false in {false.vehicle_days:,} vehicle-days: "
        f"{false.per_thousand:.3g} per 1,000 (95 %: above {low:.3g}, below {high:.3g})"
    )


if __name__ == "__main__":
    main()
