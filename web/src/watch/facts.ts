/** What the server tells, once a second: see harvester/web/watch/facts.py. */

export interface Reading {
  photos: number;
  expected: number | null;
  calls: number;
  calls_left: number | null;
  retries: number;
  refused: number;
  failed: number;
  seconds: number;
  photos_per_second: number | null;
  seconds_left: number | null;
  wait: { why: string; until: number | null; seconds: number | null } | null;
  doing: string;
}

export type Sample = [at: number, photos: number, calls: number];

export interface Run {
  pid: number;
  began: number | null;
  reading: Reading | null;
  reason: string;
  is_paused: boolean;
  frees_in: number | null;
  numbers: {
    calls: [method: string, outcome: string, count: number][];
    waited: Record<string, number>;
    retries: Record<string, number>;
    quota_limit: number | null;
  };
  incidents: { at: number; what: string; why: string }[];
}

export interface Report {
  state: string;
  note: string;
  running_pid: number | null;
  running_since: string | null;
  begun: string | null;
  photos: number;
  expected: number | null;
  failed: number;
  bytes: number;
  lists: Record<string, number>;
  seconds_to_go: number | null;
}

export interface Timeline {
  since: number;
  until: number;
  read: number[];
  again: number[];
  lacking: number[];
  share: number;
  to_read: number;
  rows: { when: string; photos: number; read: number }[];
}

export interface Photo {
  id: string;
  title: string;
  owner: string;
  taken: string;
  harvested_at: string;
}

export interface Quota {
  left: number;
  limit: number;
  period: number;
  frees_in: number;
  slices: number[];
}

export interface Facts {
  number: number;
  archive: string;
  at: number;
  contents: {
    report: Report | null;
    asked: string;
    months: Record<string, number>;
    timeline: Timeline | null;
    latest: Photo[];
    failures: { what: string; why: string }[];
    trouble: string;
  };
  run: Run | null;
  away: string;
  quota: Quota | null;
  samples: Sample[];
}
