"""Coverage-guided fuzzing of every reader, a nightly target.

Not collected by pytest.  Run with ``pip install atheris`` and::

    python tests/fuzz/atheris_readers.py corpus/ -max_total_time=3600 -max_len=65536

The first byte of an input chooses the suffix, the rest is the file.
"""

import sys
import tempfile
from pathlib import Path

DBC = 'BO_ 256 Pack: 8 B\n SG_ Voltage : 0|16@1+ (0.1,0) [0|1000] "V" B\n'


def main() -> None:
    """Fuzz until the budget is spent or something foreign escapes."""
    import atheris

    with atheris.instrument_imports(include=["voltherd", "can", "cantools"]):
        from voltherd.adapters.files.reader import SUFFIXES, read_file
        from voltherd.errors import VoltherdError

    folder = Path(tempfile.mkdtemp(prefix="voltherd-fuzz-"))
    database = folder / "pack.dbc"
    database.write_text(DBC)

    def one_input(data: bytes) -> None:
        if not data:
            return
        suffixes = (*SUFFIXES, ".bdf.csv", ".dbc")
        suffix = suffixes[data[0] % len(suffixes)]
        path = folder / f"input{suffix}"
        path.write_bytes(data[1:])
        try:
            if suffix == ".dbc":
                log = folder / "input.log"
                log.write_text("(1700000000.0) can0 100#0102030405060708\n")
                read_file(log, dbc=path)
            else:
                read_file(path, dbc=database)
        except VoltherdError:
            pass

    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
