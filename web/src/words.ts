/**
 * How values read to a person: numbers, times, places and degrees of belief.
 *
 * The words are those of the triage report (`voltherd.report.words`), so that page, terminal and
 * dashboard agree.  Times are shown in UTC.
 */

export type Severity = 'safety' | 'recommended' | 'operating';

const NBSP = '\u00a0';
const DAY = 86_400;

export const URGENCY: Record<Severity, string> = {
  safety: 'act now',
  recommended: 'plan a visit',
  operating: 'worth knowing',
};

/** Larger is more urgent; nothing found is 0. */
export const RANK: Record<string, number> = { safety: 3, recommended: 2, operating: 1 };

export const capitalised = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);

/** Why something cannot be told, without saying again that it cannot. */
export const reason = (evidence: string): string =>
  evidence.replace(/^cannot tell( yet)?: */, '');

/** A text as a sentence. */
export const sentence = (text: string): string =>
  capitalised(text) + (/[.!?]$/.test(text) || !text ? '' : '.');

export type Maybe = number | null | undefined;

export const known = (value: Maybe): value is number =>
  typeof value === 'number' && Number.isFinite(value);

const formats = new Map<number, Intl.NumberFormat>();

/** Formats are dear to make and cheap to use. */
function format(least: number, most: number): Intl.NumberFormat {
  const key = 16 * least + most;
  let found = formats.get(key);
  if (!found) {
    found = new Intl.NumberFormat('en', {
      minimumFractionDigits: least,
      maximumFractionDigits: most,
    });
    formats.set(key, found);
  }
  return found;
}

/** A number with so many decimals, or three significant digits; grouped, with a true minus. */
export function number(value: Maybe, decimals?: number): string {
  if (!known(value)) return '–';
  const size = Math.abs(value);
  const digits = decimals ?? Math.max(0, 2 - Math.floor(Math.log10(size || 1)));
  const rounded = decimals === undefined && size >= 1000 ? Number(value.toPrecision(3)) : value;
  const text = format(decimals ?? 0, Math.min(digits, 12)).format(rounded);
  return (/[1-9]/.test(text) ? text : text.replace('-', '')).replace('-', '−');
}

/** A value with its unit, never parted. */
export function measure(value: Maybe, unit: string, decimals?: number): string {
  const text = number(value, decimals);
  return text === '–' || unit === '' || unit === '1' ? text : text + NBSP + unit;
}

/** A share; something is never rounded to nothing, nor nearly everything to all. */
export function percent(share: Maybe): string {
  if (!known(share)) return '–';
  if (share > 0 && share < 0.001) return `<0.1${NBSP}%`;
  if (share > 0.999 && share < 1) return `>99.9${NBSP}%`;
  const fine = (share > 0 && share < 0.1) || (share > 0.99 && share < 1);
  return number(100 * share, fine ? 1 : 0) + NBSP + '%';
}

/** How many decimals of a value mean anything, by the half-width of its interval. */
export function meaningful(low: Maybe, high: Maybe): number | undefined {
  if (!known(low) || !known(high) || high <= low) return undefined;
  const half = (high - low) / 2;
  const order = Math.floor(Math.log10(half));
  return Math.max(0, Math.min(6, (half < 3 * 10 ** order ? 1 : 0) - order));
}

export interface Told {
  value: string;
  interval: string;
}

/** A value and its interval in words. */
export function quantity(value: Maybe, low: Maybe, high: Maybe, unit: string): Told {
  const decimals = meaningful(low, high);
  const text = measure(value, unit, decimals);
  if (known(low) && known(high) && high > low)
    return { value: text, interval: `${number(low, decimals)} to ${measure(high, unit, decimals)}` };
  if (known(low) && !known(high)) return { value: text, interval: `at least ${measure(low, unit)}` };
  if (known(high) && !known(low)) return { value: text, interval: `at most ${measure(high, unit)}` };
  return { value: text, interval: '' };
}

/** Whether a probability's interval is so wide that it tells nothing. */
export const untold = (low: Maybe, high: Maybe): boolean =>
  !known(low) || !known(high) || high - low > 0.9;

/** A share and its interval, as percent. */
export const share = (value: Maybe, low: Maybe, high: Maybe): Told => {
  const percents = [value, low, high].map((part) => (known(part) ? 100 * part : null));
  return quantity(percents[0], percents[1], percents[2], '%');
};

interface Figure {
  name: string;
  value: Maybe;
  low: Maybe;
  high: Maybe;
  unit: string;
}

/** A key figure: counts as they are, other ratios as percent. */
export const figure = ({ name, value, low, high, unit }: Figure): Told =>
  unit === '1' && !name.endsWith('_cycles') ? share(value, low, high) : quantity(value, low, high, unit);

export const count = (total: number, noun: string, plural = `${noun}s`): string =>
  `${total.toLocaleString('en')} ${total === 1 ? noun : plural}`;

/** A length of time in the unit a person would use. */
export function duration(second: Maybe): string {
  if (!known(second)) return 'an unknown time';
  const size = Math.abs(second);
  if (size < 1) return size < 0.001 ? 'under 1 ms' : `${Math.round(size * 1000)}${NBSP}ms`;
  if (size < 10) return `${number(size, 1)}${NBSP}s`;
  if (size < 90) return `${Math.round(size)}${NBSP}s`;
  if (size < 2 * 3600) return `${Math.round(size / 60)}${NBSP}min`;
  if (size < 2 * DAY) return `${Math.round(size / 3600)}${NBSP}h`;
  if (size < 730 * DAY) return count(Math.round(size / DAY), 'day');
  return `${number(size / (365.25 * DAY), 1)} years`;
}

/** How long ago; what lies within a few seconds is now. */
export const ago = (second: Maybe): string =>
  !known(second) ? 'age unknown' : second < 3 ? 'now' : `${duration(second)} ago`;

export const bytes = (size: Maybe): string => {
  if (!known(size)) return '–';
  const step = size < 1000 ? 0 : size < 1e6 ? 1 : size < 1e9 ? 2 : 3;
  return measure(size / 1000 ** step, ['B', 'kB', 'MB', 'GB'][step] ?? 'B');
};

/** Unix seconds of an RFC 3339 time. */
export const seconds = (time: string | null | undefined): number | null =>
  time ? Date.parse(time) / 1000 : null;

const stamp = (options: Intl.DateTimeFormatOptions): ((second: Maybe) => string) => {
  const dates = new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', ...options });
  return (second) => (known(second) ? dates.format(second * 1000) : 'unknown');
};

const DATE = { day: 'numeric', month: 'short', year: 'numeric' } as const;
const TIME = { hour: '2-digit', minute: '2-digit' } as const;
const dateAndTime = stamp({ ...DATE, ...TIME });

export const day = stamp(DATE);
export const clockTime = stamp({ ...TIME, second: '2-digit' });
export const moment = (second: Maybe): string =>
  known(second) ? `${dateAndTime(second).replace(' at ', ', ')} UTC` : 'unknown';

/** A confidence in the calibrated terms of the IPCC's guidance note (2010). */
export function belief(confidence: number): string {
  const terms: [number, string][] = [
    [0.99, 'virtually certain'],
    [0.9, 'very likely'],
    [0.66, 'likely'],
    [0.5, 'more likely than not'],
    [0.33, 'about as likely as not'],
  ];
  return terms.find(([floor]) => confidence >= floor)?.[1] ?? 'unlikely';
}

/** Indices as ranges: 1–3, 7, 9–10. */
export function indices(numbers: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const index of [...new Set(numbers)].sort((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last && index === last[1] + 1) last[1] = index;
    else runs.push([index, index]);
  }
  return runs.map(([low, high]) => (low === high ? `${low}` : `${low}–${high}`)).join(', ');
}
