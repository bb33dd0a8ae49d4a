"""What an edge is told in TOML, and what is refused in words."""

import json
import subprocess
import sys
import tomllib
from dataclasses import replace

import numpy as np
import pytest

from tests.unit.edge.simulated_bus import database
from voltherd.edge.compose import compose, plan_of
from voltherd.edge.config import EXAMPLE, parse, read_config
from voltherd.edge.wiring import Wiring
from voltherd.errors import InputError, UsageError
from voltherd.estimation.cell_file import plain
from voltherd.numerics.cell_map import preset_map
from voltherd.numerics.presets import LFP, NMC

LEAST = """
[vehicle]
id = "bus-7"
site = "depot"
[can]
interface = "virtual"
channel = "edge-config"
dbc = "pack.dbc"
[outbox]
path = "outbox"
"""
PACK = """
[pack]
chemistry = "NMC"
capacity_ah = 150
cell_voltage_volt_min = 2.8
cell_voltage_volt_max = 4.2
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "pack.dbc").write_text(database(12, 4)[1])
    return tmp_path


def written(folder, text):
    path = folder / "edge.toml"
    path.write_text(text)
    return path


def test_the_example_is_a_configuration_and_every_line_of_it_may_be_used():
    config = parse(tomllib.loads(EXAMPLE), "example")
    assert config.pack is not None and config.vehicle.id == "bus-7"
    lines = []
    for line in EXAMPLE.splitlines():
        bare = line.removeprefix("# ")
        used = bare.startswith("[") or " = " in bare.split("#")[0]
        lines.append(bare if used and "--" not in bare.split("#")[0] else line)
    whole = parse(tomllib.loads("\n".join(lines)), "example, all of it used")
    assert whole.actuator is not None and whole.mqtt.tls


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (LEAST.replace("site", "sight"), r"unknown key vehicle\.sight; did you mean 'site'"),
        (LEAST + "[mqqt]\nport = 1", r"unknown key mqqt; did you mean 'mqtt'"),
        (LEAST.replace('dbc = "pack.dbc"', ""), r"can\.dbc is missing; voltherd edge --example"),
        (LEAST + "[mqtt]\nport = 0", r"mqtt\.port: Input should be greater"),
        (LEAST + PACK.replace("2.8", "4.3"), r"a cell from 4\.3 to 4\.2 V"),
        (LEAST + PACK.replace("NMC", "LEAD"), r"pack\.chemistry: Input should be 'NMC'"),
        ("what is this", "not a readable configuration"),
    ],
)
def test_what_is_wrong_is_told_with_what_may_be_meant(folder, text, told):
    with pytest.raises(UsageError, match=told):
        read_config(written(folder, text))


def test_paths_are_as_seen_from_the_configuration_s_folder(folder):
    config = read_config(written(folder, LEAST))
    assert config.can.dbc == folder / "pack.dbc" and config.outbox.path == folder / "outbox"


def test_a_plan_follows_from_it(folder):
    config = read_config(written(folder, LEAST + PACK + "charge_ampere_max = 80.0\n"))
    plan = plan_of(config, database(12, 4)[2])
    assert (
        isinstance(plan.wiring, Wiring) and plan.soc_filter is not None and plan.limits is not None
    )
    assert plan.limits.charge_ampere_max == 80.0
    assert plan.soc_filter.parameters.capacity_ah == 150.0
    slow = plan_of(config, database(12, 4, 60.0)[2])
    assert slow.limits.age_second_max == slow.silent_second == 180.0


def of_three(folder, cell, text=PACK):
    """A configuration whose block is three of an identified cell of 50 Ah."""
    (folder / "cell.json").write_text(json.dumps(plain(cell)))
    named = text + 'cell_file = "cell.json"\ncells_parallel = 3\n'
    return read_config(written(folder, LEAST + named))


def test_an_identified_cell_takes_the_preset_s_place(folder):
    cell = replace(preset_map(NMC.resized(50.0)), source="identified", model_second=12.5)
    plan = plan_of(of_three(folder, cell), database(12, 4)[2])
    block = plan.soc_filter.cell
    assert block.source == "identified" and block.model_second == 12.5
    assert block.base.capacity_ah == pytest.approx(150.0)
    for name in ("r0_ohm", "r1_ohm", "r2_ohm"):
        np.testing.assert_allclose(getattr(block, name), getattr(cell, name) / 3.0)
    np.testing.assert_array_equal(block.flat[3], cell.flat[3])


def test_a_cell_that_is_not_the_pack_s_is_refused(folder):
    with pytest.raises(UsageError, match="is LFP, the pack is said to be NMC"):
        plan_of(of_three(folder, preset_map(LFP.resized(50.0))), database(12, 4)[2])
    with pytest.raises(UsageError, match=r"3 × .* make 180 Ah, a block is said to have 150 Ah"):
        plan_of(of_three(folder, preset_map(NMC.resized(60.0))), database(12, 4)[2])
    config = of_three(folder, preset_map(NMC.resized(50.0)))
    (folder / "cell.json").write_text("{")
    with pytest.raises(UsageError, match=r"\(it is no JSON\); voltherd identify writes one"):
        plan_of(config, database(12, 4)[2])
    (folder / "cell.json").unlink()
    with pytest.raises(UsageError, match="No such file"):
        plan_of(config, database(12, 4)[2])


def test_without_a_pack_there_are_no_limits_and_no_estimate(folder):
    plan = plan_of(read_config(written(folder, LEAST)), database(12, 4)[2])
    assert plan.limits is None and plan.soc_filter is None


def test_one_line_leaves_the_estimate_to_the_cloud(folder):
    moved = LEAST + PACK + '[placement]\nsoc = "cloud"\n'
    plan = plan_of(read_config(written(folder, moved)), database(12, 4)[2])
    assert plan.soc_filter is None and plan.limits is not None
    unsafe = LEAST + PACK + '[placement]\nprotect = "cloud"\n'
    with pytest.raises(UsageError, match="is no place for it; use edge"):
        plan_of(read_config(written(folder, unsafe)), database(12, 4)[2])


def test_a_profile_says_what_signals_mean(folder):
    (folder / "profile.toml").write_text('[scalar.current_ampere]\ncolumn = "PackCurrent"\n')
    text = LEAST.replace("[outbox]", 'profile = "profile.toml"\n[outbox]')
    plan = plan_of(read_config(written(folder, text)), database(12, 4)[2])
    assert plan.wiring.scalars == ("current_ampere",) and plan.wiring.cells == 0
    (folder / "profile.toml").write_text("[scalar.curent_ampere]\ncolumn = 'x'\n")
    with pytest.raises(UsageError, match="did you mean 'current_ampere'"):
        plan_of(read_config(written(folder, text)), database(12, 4)[2])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (LEAST + '[mqtt]\nhost = "broker.example"', "refused to send telemetry unencrypted"),
        (
            LEAST + '[mqtt]\nhost = "broker.example"\ntls = true',
            "refused to connect to another machine without credentials",
        ),
        (LEAST.replace('id = "bus-7"', 'id = "bus 7"'), "cannot be the name of a vehicle"),
        (LEAST + PACK.replace("NMC", "LTO"), "no parameters of LTO cells are known"),
        (LEAST + '[mqtt]\nusername = "a"\npassword_file = "no"', "a secret that cannot be read"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_opened(folder, text, told):
    with pytest.raises(UsageError, match=told):
        compose(read_config(written(folder, text)))
    assert not (folder / "outbox").exists()


def test_a_database_that_is_not_there_is_refused(folder):
    (folder / "pack.dbc").unlink()
    with pytest.raises(InputError, match="no such file"):
        compose(read_config(written(folder, LEAST)))


def voltherd(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "voltherd", *arguments], capture_output=True, text=True, check=False
    )


def test_the_command_tells_mistakes_in_one_line_and_prints_an_example(folder):
    shown = voltherd("edge", "--example")
    assert shown.returncode == 0 and shown.stdout == EXAMPLE
    missing = voltherd("edge")
    assert missing.returncode == 2 and "--example prints one" in missing.stderr
    path = written(folder, LEAST + '[mqtt]\nhost = "broker.example"')
    refused = voltherd("edge", "--config", str(path))
    assert refused.returncode == 2 and refused.stderr.count("\n") == 1
