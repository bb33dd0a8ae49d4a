import json
import re
from pathlib import Path

from voltherd.report.words import SHAPE, TITLE
from voltherd.types.event import LocationKind, Phenomenon, Severity

TEXT = (Path(__file__).parents[3] / "docs" / "triage-report.md").read_text("utf-8")


def test_every_phenomenon_is_documented_with_the_words_on_screen():
    rows = dict(re.findall(r"^\| `([a-z_]+)` \| ([^|▲◆○]+?) \|", TEXT, re.MULTILINE))
    rows = {name: words for name, words in rows.items() if name not in {"raised", "onset"}}
    told = {p.value: TITLE[p] for p in Phenomenon}
    assert {name: rows.get(name) for name in told} == told


def test_every_severity_and_place_is_documented():
    for severity in Severity:
        assert f"| `{severity.word}` | {SHAPE[severity]} |" in TEXT
    assert all(f"`{kind.value}`" in TEXT for kind in LocationKind)


def test_the_example_is_what_the_report_writes(sample):
    from voltherd.report.document import to_document

    example = json.loads(re.search(r"```json\n(.*?)```", TEXT, re.DOTALL)[1])
    written = to_document(sample.triage_report())

    def within(part, whole):
        if isinstance(part, dict):
            return all(key in whole and within(value, whole[key]) for key, value in part.items())
        if isinstance(part, list):
            return all(within(a, b) for a, b in zip(part, whole, strict=False))
        return type(part) is type(whole)

    assert within(example, written)
    assert example["findings"][0]["onset"] == written["findings"][0]["onset"]
    assert example["schema"] == written["schema"]
