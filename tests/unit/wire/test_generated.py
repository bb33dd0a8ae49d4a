"""The committed Python of the messages is what their definition gives."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from voltherd.wire import envelope_pb2

SOURCE = Path(envelope_pb2.__file__).resolve().parents[2]
PROTO = Path("voltherd/wire/envelope.proto")
MEND = f"cd src && python -m grpc_tools.protoc -I. --python_out=. --pyi_out=. {PROTO}"


@pytest.fixture(scope="module")
def generated(tmp_path_factory) -> Path:
    """Folder of what the compiler makes of the definition now."""
    pytest.importorskip("grpc_tools", reason="pip install grpcio-tools")
    folder = tmp_path_factory.mktemp("generated")
    made = [f"--python_out={folder}", f"--pyi_out={folder}"]
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{SOURCE}", *made, str(PROTO)]
    subprocess.run(command, check=True, cwd=SOURCE)
    return folder


def definition(text: str) -> bytes:
    """The compiled definition within a generated module: no version of the compiler varies it."""
    [found] = [
        node.args[0].value
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".AddSerializedFile")
    ]
    return found


def test_the_committed_messages_are_those_of_the_definition(generated):
    fresh, committed = (
        definition((root / PROTO).with_name("envelope_pb2.py").read_text())
        for root in (generated, SOURCE)
    )
    assert len(committed) > 1000
    assert committed == fresh, MEND


def test_the_committed_types_are_those_of_the_definition(generated):
    fresh, committed = (
        (root / PROTO).with_name("envelope_pb2.pyi").read_text() for root in (generated, SOURCE)
    )
    assert committed == fresh, MEND
