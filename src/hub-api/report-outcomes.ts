/** The outcome of a report. */
export const REPORT_OUTCOMES = ['renewed', 'not_current', 'accepted', 'held', 'waiting', 'rationed'] as const;
export type ReportOutcome = (typeof REPORT_OUTCOMES)[number];
