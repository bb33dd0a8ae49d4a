"""The API's benchmark, small: everything it tells is measured, and events arrive."""

import json

import pytest

from voltherd.bench import api

pytestmark = pytest.mark.long


def test_one_run_measures_times_sizes_and_what_open_pages_cost(monkeypatch):
    monkeypatch.setattr(api, "_ASKED", 5)
    monkeypatch.setattr(api, "_WATCHED_SECOND", 2.0)
    table = api.measure(5, 1, lambda _: None)
    assert table.month_rows == 86_400
    assert table.fleet_bytes > 5 * 500
    assert table.events >= api.TABS * 5
    for spread in (table.fleet, table.page, table.month):
        assert 0.0 < spread.p50 <= spread.p99 < 5.0
    told = api.render(table)
    assert "last state of 5 packs" in told and "events arrived" in told
    assert json.loads(table.to_json())["tabs"] == api.TABS
