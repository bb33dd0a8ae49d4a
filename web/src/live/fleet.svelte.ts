/**
 * Every pack's row and every unresolved finding, kept up to date by the stream.
 *
 * Thousands of packs change many times a second and few are on screen.  So rows live in a plain
 * map: a version counts changes at most once a frame for what is drawn, and the list that is
 * counted, filtered and sorted settles at most once a second.
 */

import { getAll } from '../api/client';
import type { FindingRow, VehicleRow } from '../api/types';
import { RANK } from '../words';
import { stream } from './stream.svelte';

const PAGE = 10_000;
const SETTLED_MILLISECOND = 1000;

const byName = (a: VehicleRow, b: VehicleRow): number => (a.vehicle_id < b.vehicle_id ? -1 : 1);

class Fleet {
  readonly #rows = new Map<string, VehicleRow>();
  readonly #findings = new Map<string, FindingRow>();
  #version = $state(0);
  #frame = 0;
  #settling: ReturnType<typeof setTimeout> | undefined;
  /** All rows by name, at most a second old. */
  rows = $state.raw<VehicleRow[]>([]);
  /** Whether there is anything to show yet. */
  loaded = $state(false);

  constructor() {
    stream.on<VehicleRow>('vehicle', (row) => {
      const before = this.#rows.get(row.vehicle_id);
      this.#rows.set(row.vehicle_id, before ? { ...before, ...row } : row);
      this.#changed();
    });
    stream.on<FindingRow>('finding', (finding) => {
      this.#findings.set(finding.finding_id, finding);
      this.#changed();
    });
  }

  /** Have everything at hand from now on.  Called within a component. */
  follow(): void {
    $effect(() => {
      void stream.recovered;
      void this.load();
    });
  }

  async load(): Promise<void> {
    const [rows, findings] = await Promise.all([
      getAll<VehicleRow>('vehicles', { limit: PAGE }),
      getAll<FindingRow>('findings', { limit: 1000 }),
    ]).catch(() => [] as undefined[]);
    if (!rows || !findings) return;
    this.#rows.clear();
    this.#findings.clear();
    rows.sort(byName).forEach((row) => this.#rows.set(row.vehicle_id, row));
    findings.forEach((found) => this.#findings.set(found.finding_id, found));
    this.loaded = true;
    this.#version += 1;
    this.#settle();
  }

  row(id: string): VehicleRow | undefined {
    void this.#version;
    return this.#rows.get(id);
  }

  finding(id: string | null): FindingRow | undefined {
    void this.#version;
    return id ? this.#findings.get(id) : undefined;
  }

  #changed(): void {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#version += 1;
    });
    this.#settling ??= setTimeout(() => this.#settle(), SETTLED_MILLISECOND);
  }

  #settle(): void {
    clearTimeout(this.#settling);
    this.#settling = undefined;
    this.rows = [...this.#rows.values()].sort(byName);
  }
}

export const fleet = new Fleet();

const spread = (row: VehicleRow): number =>
  (row.cell_voltage_volt_max ?? NaN) - (row.cell_voltage_volt_min ?? NaN);

/** What rows can be sorted by; larger comes first unless `rising`. */
export const SORTS = {
  attention: {
    title: 'needs attention',
    of: (row: VehicleRow) => 10 * (RANK[row.severity ?? ''] ?? 0) + (row.confidence ?? 0),
    rising: false,
  },
  vehicle_id: { title: 'name', of: (row: VehicleRow) => row.vehicle_id, rising: true },
  soc: { title: 'state of charge', of: (row: VehicleRow) => row.soc.value, rising: true },
  current: { title: 'current', of: (row: VehicleRow) => row.current_ampere, rising: false },
  spread: { title: 'cell spread', of: spread, rising: false },
  temperature: {
    title: 'temperature',
    of: (row: VehicleRow) => row.temperature_celsius_max,
    rising: false,
  },
  seen: { title: 'last seen', of: (row: VehicleRow) => row.last_seen_time, rising: true },
  pending: { title: 'waiting records', of: (row: VehicleRow) => row.pending_records, rising: false },
} as const;

export type Sort = keyof typeof SORTS;

export interface Filter {
  text: string;
  severity: string;
  mode: string;
  link: string;
}

const WANTED: Record<string, (rank: number) => boolean> = {
  '': () => true,
  any: (rank) => rank > 0,
  none: (rank) => rank === 0,
};

const texts = new WeakMap<VehicleRow, string>();

/** What a search looks at. */
function words(row: VehicleRow): string {
  let text = texts.get(row);
  if (text === undefined) {
    text = `${row.vehicle_id} ${row.site_id} ${row.model} ${row.headline ?? ''}`.toLowerCase();
    texts.set(row, text);
  }
  return text;
}

/** The rows that pass, in order; what is unknown comes last, the order given settles ties. */
export function select(
  rows: readonly VehicleRow[],
  filter: Filter,
  sort: Sort,
  reversed: boolean,
): VehicleRow[] {
  const text = filter.text.trim().toLowerCase();
  const exact = (rank: number): boolean => rank === RANK[filter.severity];
  const urgent = WANTED[filter.severity] ?? exact;
  const passes = (row: VehicleRow): boolean =>
    urgent(RANK[row.severity ?? ''] ?? 0) &&
    (!filter.mode || row.mode === filter.mode) &&
    (!filter.link || row.online === (filter.link === 'online')) &&
    (!text || words(row).includes(text));
  const { of, rising } = SORTS[sort];
  const sign = rising === reversed ? -1 : 1;
  const keyed = rows.filter(passes).map((row) => ({ row, key: of(row) }));
  const unknown = (key: unknown): boolean => key === null || Number.isNaN(key);
  keyed.sort((a, b) => {
    if (unknown(a.key) || unknown(b.key)) {
      if (unknown(a.key) !== unknown(b.key)) return unknown(a.key) ? 1 : -1;
    } else if (a.key! < b.key!) return -sign;
    else if (a.key! > b.key!) return sign;
    return 0;
  });
  return keyed.map(({ row }) => row);
}
