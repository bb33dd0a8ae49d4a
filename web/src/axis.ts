/** Round ticks: numbers in steps of 1, 2 or 5, times in steps people count by. */

import { day, known, number } from './words';

export interface Tick {
  value: number;
  label: string;
}

const HOUR = 3600;
const DAY = 86_400;
const TIME_STEPS = [
  ...[1, 2, 5, 10, 15, 30].map((minute) => 60 * minute),
  ...[1, 2, 3, 6, 12].map((hour) => HOUR * hour),
  ...[1, 2, 3, 7, 14, 28, 91, 182, 365, 730, 1826].map((days) => DAY * days),
];

/** A round step that divides a span into about so many parts. */
export function niceStep(span: number, parts: number): number {
  const raw = span / parts;
  const power = 10 ** Math.floor(Math.log10(raw));
  const miss = (m: number): number => Math.abs(Math.log((m * power) / raw));
  return [1, 2, 5, 10].reduce((best, m) => (miss(m) < miss(best) ? m : best)) * power;
}

/** How many decimals tell multiples of a step apart. */
export function decimalsOf(step: number): number {
  let decimals = 0;
  while (decimals < 6 && Math.abs(step * 10 ** decimals - Math.round(step * 10 ** decimals)) > 1e-6)
    decimals += 1;
  return decimals;
}

/** The range of some numbers, never empty. */
export function range(values: Iterable<number | null>): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values)
    if (known(value)) {
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  if (low > high) return [0, 1];
  const pad = high > low ? 0 : 0.05 * Math.abs(high) || 1;
  return [low - pad, high + pad];
}

export function numberTicks(low: number, high: number, parts: number, whole = false): Tick[] {
  const step = Math.max(niceStep(high - low, parts), whole ? 1 : 0);
  const decimals = decimalsOf(step);
  const ticks: Tick[] = [];
  for (let n = Math.ceil(low / step - 1e-9); n <= high / step + 1e-9; n += 1)
    ticks.push({ value: n * step, label: number(n * step, decimals) });
  return ticks;
}

/** Ticks of times in UTC; midnight carries the date that begins. */
export function timeTicks(low: number, high: number, parts: number): Tick[] {
  const step = TIME_STEPS.find((size) => (high - low) / size <= parts) ?? TIME_STEPS.at(-1)!;
  const ticks: Tick[] = [];
  for (let at = Math.ceil(low / step) * step; at <= high; at += step) {
    const dated = step >= DAY || at % DAY === 0;
    const label = dated
      ? day(at).replace(/ \d{4}$/, '')
      : new Date(at * 1000).toISOString().slice(11, 16);
    ticks.push({ value: at, label });
  }
  return ticks;
}
