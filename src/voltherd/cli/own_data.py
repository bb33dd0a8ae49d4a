"""A user's own files or store, brought into a store that the pages can show."""

from pathlib import Path

from voltherd.cli.compose import Piece, Progress, Reading, Refusal, asset, pieces, put_vehicles
from voltherd.errors import InputError


def brought_in(data: Path, store: Path, progress: Progress) -> str:
    """Read everything at a path into a store.

    Args:
        data: File, folder or store.
        store: Folder of the store; what is there already stays.
        progress: Told where it stands.

    Returns:
        What became of it, in one line.

    Raises:
        InputError: Nothing usable is there.
    """
    from voltherd.cli.compose import record_store

    kept = record_store(store)
    rows: dict[str, int] = {}
    refused: list[str] = []
    for piece in pieces(data, Reading(paths=(data,)), progress):
        if isinstance(piece, Refusal):
            refused.append(str(piece.error))
        else:
            assert isinstance(piece, Piece)
            name = piece.batch.vehicle_id
            rows[name] = rows.get(name, 0) + kept.append(piece.batch)
            facts = asset(data, name) if data.is_dir() else None
            if facts is not None:
                put_vehicles(store, (facts,))
    if not rows:
        raise InputError(
            f"no usable telemetry ({'; '.join(refused[:3]) or 'nothing there'})",
            where=str(data),
            mend="voltherd inspect FILE tells more",
        )
    told = f"{sum(rows.values()):,} samples of {len(rows)} vehicles brought in"
    return told + (f"; {len(refused)} files refused: {'; '.join(refused[:3])}" if refused else "")
