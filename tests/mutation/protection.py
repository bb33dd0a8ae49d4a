"""Does a test notice every small wrong in the protection room, and in the guard of a site?

    python -m tests.mutation.protection protection      or charging, or nothing for both

Runs all mutants of these modules and fails where one survives that is not in the list of those
nobody can tell from the original.  Part of CI, not of ``make test``: some minutes.
"""

import subprocess
import sys
from pathlib import Path

from tests.mutation.mutants import SRC

TESTS = {
    "protection/[a-z]*.py": "tests/unit/protection",
    "charging/guard*.py": "tests/unit/charging/guard",
}
"""By which modules, their tests."""
EQUIVALENT = {
    "gate": {
        "request_ampere > 0.0 => request_ampere >= 0.0": "a request of nothing gets nothing",
        "request_ampere < 0.0 => request_ampere <= 0.0": "a request of nothing gets nothing",
        "0.0 => 1.0": "on a trip a small charging request becomes a negative magnitude: nothing",
        "value >= 0.0 => value > 0.0": "a ceiling of nothing gives nothing either way",
    },
    "limits": {"6 => 7": "levels are rounded to hide what binary fractions add, far below either"},
    "guard": {
        "1 => 2": "a number not used before does, and any negative length is the one to be found",
        "1 => 0.99": "a number not used before does",
        "passed >= 0.0 => passed > 0.0": "no time passes either way",
        "left < -SLACK_AMPERE => left <= -SLACK_AMPERE": "far below any current",
        "seen.limit_ampere >= 0.0 => seen.limit_ampere > 0.0": "a limit of nothing is nothing",
        "seen.current_ampere >= 0.0 => seen.current_ampere > 0.0": (
            "a current of nothing takes nothing off"
        ),
        "share.target > might => share.target >= might": "who has all it is to get is not raised",
        "asked > might[place] => asked >= might[place]": "raised by nothing, it waits once more",
    },
    "guard_hold": {
        "held_ampere <= site.hardware_ampere => held_ampere < site.hardware_ampere": (
            "what is not known counts with the hardware anyway"
        ),
    },
    "guard_site": {
        "1e-06 => 9.9e-07": "far below any current",
        "not behind[:, place].any() => ~behind[:, place].any()": "the same of one truth value",
        "1 => 2": "NumPy takes any length below 0 for the one that is left",
        "over > SLACK_AMPERE => over >= SLACK_AMPERE": "far below any current",
        "1 => 0.99": "stands where nobody obeys, who then is given no part",
    },
    "guard_share": {
        "1 => 0.99": "only the order of the kinds counts",
        "2 => 3": "only the order of the kinds counts",
        "2 => 1.98": "only the order of the kinds counts",
        "weight > SLACK_AMPERE => weight >= SLACK_AMPERE": "far below any weight",
        "most > SLACK_AMPERE => most >= SLACK_AMPERE": "far below any current",
        "not rising.any() => ~rising.any()": "the same of one truth value",
        "1.0 => 2.0": "stands where nothing is divided",
        "1.0 => 0.99": "stands where nothing is divided",
        "left - time * load <= SLACK_AMPERE => left - time * load < SLACK_AMPERE": (
            "far below any current"
        ),
        "most - given > SLACK_AMPERE => most - given >= SLACK_AMPERE": "far below any current",
        "left[rows] >= need[place] - SLACK_AMPERE => left[rows] > need[place] - SLACK_AMPERE": (
            "far below any current"
        ),
        "turns.waits_second <= now => turns.waits_second < now": "now either way",
        "turns.began_second <= now => turns.began_second < now": "now either way",
    },
    "watch": {
        "sample.time_second > watch.time_second => sample.time_second >= watch.time_second": (
            "either way it is the same instant"
        ),
        "1.0 => 0.99": "the sign of a row scales its value and its level alike",
    },
}
"""By module: what survives, and why it is no wrong."""


def main() -> int:
    """Run everything; 1 where a mutant survives that should not."""
    modules = {
        path: tests
        for modules, tests in TESTS.items()
        if modules.startswith(tuple(sys.argv[1:]) or "")
        for path in sorted((SRC / "voltherd").glob(modules))
    }
    wrong = 0
    for path, tests in modules.items():
        module = path.stem
        survivors, count = _survivors(path, tests)
        known = EQUIVALENT.get(module, {})
        bad = [line for line in survivors if line.partition(": ")[2] not in known]
        print(f"{module}: {count}, {len(survivors) - len(bad)} known to be no wrong")
        for line in bad:
            print(f"  SURVIVES  {module}:{line}")
        wrong += len(bad)
    return int(wrong > 0)


def _survivors(path: Path, tests: str) -> tuple[list[str], str]:
    module = ".".join(path.relative_to(SRC).with_suffix("").parts)
    command = [sys.executable, "-m", "tests.mutation.mutants", module]
    done = subprocess.run(
        [*command, tests], cwd=Path(SRC).parent, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{module}: {done.stdout}{done.stderr}")
    *survivors, count = done.stdout.splitlines()
    return survivors, count


if __name__ == "__main__":
    sys.exit(main())
