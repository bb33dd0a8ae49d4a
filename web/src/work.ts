/** Findings as work to be done. */

import type { FindingRow } from './api/types';
import { capitalised, day, seconds, type Severity } from './words';

/** One line of work: what, how sure, what to do. */
export interface Work {
  vehicle_id: string;
  finding_id: string | null;
  severity: Severity;
  what: string;
  note: string;
  confidence: number | null;
  action: string;
  /** Further findings of the same vehicle. */
  more: number;
}

/** What is to be said of a finding beside what it is: since when, who saw it, whether it holds. */
export const noted = (finding: FindingRow | undefined): string =>
  finding
    ? [
        `since ${day(seconds(finding.onset_time))}`,
        finding.acknowledged_by && `seen by ${finding.acknowledged_by}`,
        finding.work_order_time && `work planned for ${day(seconds(finding.work_order_time))}`,
        !finding.shown && 'watched, below your budget',
        !finding.holds && 'no longer so in the newest data',
      ]
        .filter(Boolean)
        .join(', ')
    : '';

export const what = (finding: FindingRow): string =>
  `${capitalised(finding.title)}, ${finding.location.label}`;
