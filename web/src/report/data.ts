/** What harvester/web/report/model.py writes. */

export interface Stretch {
  since: string;
  until: string;
  claimed: number | null;
  found: number;
  is_whole: boolean;
  note: string;
}

export interface Update {
  at: string;
  added: number;
  changed: number;
  removed: number;
  other: number;
  licenses: number;
}

export interface Archive {
  name: string;
  state: string;
  note: string;
  asked: [string, string][];
  begun: string | null;
  updated: string | null;
  version: string | null;
  photos: number;
  claimed: number | null;
  difference: string | null;
  failed: number;
  withdrawn: number;
  bytes: number;
  calls: number | null;
  lists: Record<string, number>;
  stretches: Stretch[];
  kept_back: Stretch[];
  more_kept_back: number;
  updates: Update[];
  more_updates: number;
  members: Record<string, number>;
  failures: [string, string, number][];
}

export interface Entry {
  name: string;
  count: number;
  id?: string;
}

export interface Ranking {
  distinct: number;
  entries: Entry[];
}

export interface License {
  id: number;
  count: number;
  terms: {
    name: string;
    url: string;
    is_open: boolean | null;
    must_attribute: boolean;
    commercially: boolean;
    adapted: boolean;
    alike: boolean;
  };
}

export interface When {
  months: [string, number][];
  hours: number[];
  unknown: number;
}

export interface Viewed {
  views: number;
  id: string;
  title: string;
  owner: string;
  author: string;
  license: number;
  picture: string;
}

export type Counted =
  | "photos" | "videos" | "with_info" | "with_sizes" | "with_exif" | "placed" | "tagged" | "attributed" | "public"
  | "restricted" | "viewed" | "views" | "faves" | "comments" | "misfits";

export interface Report {
  version: string;
  made: string;
  is_anonymous: boolean;
  has_pictures: boolean;
  archives: Archive[];
  counts: Record<Counted, number>;
  harvested: [string, string];
  uploaded: When;
  taken: When;
  degrees: number;
  cells: [number, number, number][];
  countries: Ranking;
  tags: Ranking & { uses: number; years: string[]; by_year: number[][] };
  licenses: License[];
  licenses_by_year: [string, number, number][];
  owners: Ranking;
  albums: Ranking;
  cameras: Ranking;
  lenses: Ranking;
  formats: Ranking;
  largest: Ranking;
  refusals: [string, string, number][];
  pixels: [number, number][];
  shapes: Record<string, number>;
  views: [number, number][];
  viewed: Viewed[];
  attribution: string;
}
