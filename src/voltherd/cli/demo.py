"""``voltherd demo``: the whole chain on one machine, on a fleet with hidden faults."""

import json
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from voltherd.cli.compose import Progress, write_text
from voltherd.cli.screen import output
from voltherd.demo.spec import DemoSpec
from voltherd.errors import UsageError

if TYPE_CHECKING:
    from voltherd.demo.chain import Chain

NOTE_FILE: Final = "demo.json"
NOTE_SECOND: Final = 5.0
"""How often is noted up to where the fleet has lived [s]."""


def headless(
    spec: DemoSpec, place: Path | None, duration_second: float, json_to: Path | None
) -> int:
    """Run for a while, report, and end.

    Returns:
        Exit status: 1 where a record was lost or counted twice.
    """
    from voltherd.demo.report import dumps, text

    began = time.monotonic()
    with _folder(place, spec) as (folder, note), _chain(spec, folder, 0, note) as chain:
        _follow(chain, folder, note, began + duration_second)
        made = chain.end()
    if json_to:
        output(json_to, dumps(made))
    if str(json_to) != "-":
        typer.echo(f"Chain of {spec.vehicles} simulated vehicles at {spec.speed:g} times real time")
        typer.echo(text(made))
    return int(made["lost"] > 0 or made["duplicate_effects"] > 0)


def watch(spec: DemoSpec, place: Path | None, port: int) -> None:
    """Run until interrupted or asked to end, with the page up."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with _folder(place, spec) as (folder, note), _chain(spec, folder, port, note) as chain:
        try:
            _follow(chain, folder, note, float("inf"))
        except KeyboardInterrupt:
            typer.echo("stopping: the edges hand over what they hold", err=True)


def watch_data(data: Path, place: Path | None, port: int, progress: Progress) -> None:
    """Show a folder of a user's own on the same pages."""
    from voltherd.cli.own_data import brought_in
    from voltherd.cloud.clocks import WallClock
    from voltherd.cloud.compose import Given
    from voltherd.cloud.compose import compose as compose_cloud
    from voltherd.cloud.config import CloudConfig, HttpSection, StoreSection
    from voltherd.cloud.stores.compose import newest_second

    with tempfile.TemporaryDirectory(prefix="voltherd-demo-") as scratch:
        store = (place or Path(scratch)) / "store"
        typer.echo(brought_in(data, store, progress))
        progress("")
        config = CloudConfig(store=StoreSection(path=store), http=HttpSection(port=port))
        shift = newest_second(store) - time.time()
        running = compose_cloud(config, Given(clock=WallClock(shift_second=shift)))
        typer.echo(f"voltherd demo at {running.url}  (Ctrl-C ends it)")
        running.run()


@contextmanager
def _chain(spec: DemoSpec, folder: Path, port: int, note: dict[str, Any]) -> Iterator["Chain"]:
    from voltherd.demo.compose import compose

    began = time.monotonic()

    def tell(where: str) -> None:
        typer.echo(f"{time.monotonic() - began:6.1f} s  {where}", err=True)

    chain = compose(spec, folder, port, note["begins_second"], tell, note["lived_second"])
    try:
        typer.echo(f"voltherd demo at {chain.url}  (Ctrl-C ends it)")
        yield chain
    finally:
        chain.close()


def _follow(chain: "Chain", folder: Path, note: dict[str, Any], until_second: float) -> None:
    """Wait, and note up to where the fleet has lived."""
    while (now := time.monotonic()) < until_second:
        chain.wait(min(now + NOTE_SECOND, until_second))
        if (lived := chain.lived_second) is not None:
            note["lived_second"] = lived
            write_text(folder / NOTE_FILE, json.dumps(note, indent=1) + "\n")


@contextmanager
def _folder(place: Path | None, spec: DemoSpec) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Give the folder of a demo, and what is noted of it; without a place, one that vanishes.

    Raises:
        UsageError: Something else is there, or a demo of another fleet.
    """
    fresh = {
        "schema": "voltherd-demo/1",
        "vehicles": spec.vehicles,
        "seed": spec.seed,
        "faults": spec.faults,
        "history_days": spec.history_days,
        "begins_second": float(time.time() // 60.0 * 60.0),
        "lived_second": 0.0,
    }
    if place is None:
        scratch = Path(tempfile.mkdtemp(prefix="voltherd-demo-"))
        try:
            yield scratch, fresh
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        return
    noted = _noted(place)
    if noted is None:
        place.mkdir(parents=True, exist_ok=True)
        write_text(place / NOTE_FILE, json.dumps(fresh, indent=1) + "\n")
        yield place, fresh
        return
    differing = [
        name
        for name in ("schema", "vehicles", "seed", "faults", "history_days")
        if noted.get(name) != fresh[name]
    ]
    if differing:
        told = ", ".join(f"{name} {noted.get(name)}" for name in differing)
        raise UsageError(
            f"a demo of another fleet ({told})",
            where=str(place),
            mend="name another folder with --out, or ask for the same fleet",
        )
    yield place, noted


def _noted(place: Path) -> dict[str, Any] | None:
    """Read what is noted of a folder, None for a new or empty one."""
    if not place.exists() or (place.is_dir() and not any(place.iterdir())):
        return None
    try:
        noted = json.loads((place / NOTE_FILE).read_text(encoding="utf-8"))
        times = float(noted["begins_second"]), float(noted["lived_second"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"no folder of a demo ({error})",
            where=str(place),
            mend="name an empty or new folder with --out",
        ) from error
    return {**noted, "begins_second": times[0], "lived_second": times[1]}
