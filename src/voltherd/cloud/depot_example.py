"""A site file to begin with."""

from datetime import UTC, datetime, timedelta
from typing import Final

_EXAMPLE_DAY: Final = "2026-11-26"
EXAMPLE: Final = """\
# voltherd depot plan site.yaml

site: North depot
timezone: Europe/Berlin
start: 2026-11-26 14:00         # local time; the plan covers so many hours from here
hours: 24
step_minutes: 15

connection:
  limit_kilowatt: 60            # one number; or a list, one for each hour or step
  phase_limit_ampere: 120       # without it phases are not looked at
  base_kilowatt: {06:00: 18, 18:00: 9}   # or from each time of day on
  pv_kilowatt: 0
  demand_eur_per_kilowatt: 0    # price of the highest power of the plan

prices:
  buy_eur_per_kwh: {00:00: 0.16, 06:00: 0.31, 17:00: 0.42, 21:00: 0.24}
  # sell_eur_per_kwh: 0.08      # without it surplus is worth what buying costs

chargers:
  - {id: CP-01, power_kilowatt: 22, discharge_kilowatt: 10}
  - {id: CP-02, power_kilowatt: 22}
  - {id: CP-03, power_kilowatt: 11}
  - {id: CP-04, power_kilowatt: 7.4, phases: 1, phase: L2}

groups:                         # chargers behind one fuse or transformer
  - {name: west wall, chargers: [CP-03, CP-04], limit_kilowatt: 15}

vehicles:
  - {id: bus-1, charger: CP-01, arrives: 17:40, departs: 05:30, battery_kwh: 120,
     soc_arrival: 0.35, soc_departure: 0.9, v2g: true}
  - {id: bus-2, charger: CP-02, arrives: 18:20, departs: 06:00, battery_kwh: 120,
     soc_arrival: 0.2, soc_departure: 0.9}
  - {id: van-1, charger: CP-03, arrives: 16:10, departs: 06:45, battery_kwh: 60,
     soc_arrival: 0.5, soc_departure: 0.8}
  - {id: van-2, charger: CP-04, arrives: 15:05, departs: 07:00, battery_kwh: 50,
     soc_arrival: 0.4, soc_departure: 1.0, power_kilowatt: 6.6}

v2g:
  wear_eur_per_kwh: [0.05, 0.09]   # of each kWh given, gentle to full power

# reserve: {kilowatt: 10, eur_per_kilowatt_hour: 0.02}   # kept ready for the grid, up and down
# outage: {begins: 19:00, ends: 21:00}                   # without a grid: vehicles carry the load
# storage:                      # batteries of the site, as full at the end as at the begin
#   - {capacity_kwh: 100, power_kilowatt: 50, soc: 0.5, wear_eur_per_kwh: [0.03]}
"""


def example(second: float) -> str:
    """Give the example for the day of a time, from 14:00 on [unix s]."""
    day = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=second)).date()
    return EXAMPLE.replace(_EXAMPLE_DAY, day.isoformat()).replace(
        "site: North depot", "site: North depot (an example)"
    )
