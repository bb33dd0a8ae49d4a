/** A vehicle's fault record, told briefly: what comes and goes again and again is one entry. */

import type { LifeEvent } from './api/types';

export interface Entry {
  event: LifeEvent;
  /** How often it began, first and last of it [unix s]. */
  times: number;
  first: number;
  last: number;
}

const TOGETHER_SECOND = 3600;

/** Newest first; events of one code with less than an hour between them are one entry. */
export function entries(events: readonly LifeEvent[]): Entry[] {
  const open = new Map<string, Entry>();
  const told: Entry[] = [];
  for (const event of [...events].sort((a, b) => a.unix_second - b.unix_second)) {
    const before = open.get(event.code);
    const again = event.kind === 'event' && before && event.unix_second - before.last < TOGETHER_SECOND;
    if (again) {
      before.times += Number(event.raised);
      before.last = event.unix_second;
      if (event.raised) before.event = event;
    } else {
      const at = event.unix_second;
      const entry = { event, times: Number(event.raised), first: at, last: at };
      open.set(event.code, entry);
      told.push(entry);
    }
  }
  return told.sort((a, b) => b.last - a.last);
}
