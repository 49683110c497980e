/** All about one archive: how far it is, its run, what it waits for, and each thing as a chart and as a table. */
import { h } from "../shared/dom";
import { bytes, count, plural } from "../shared/format";
import { Chart } from "./chart";
import { Controls } from "./controls";
import { numbers, panel, show, Table, write } from "./dom";
import type { Facts, Quota, Run, Sample, Timeline } from "./facts";
import { Strip } from "./strip";
import { date, duration, moment, percent, rate } from "./words";

const MOST_ROWS = 24;
const SMOOTH = 30;
const SLICES = 60;

/** A name and a value, of which the value changes. */
class Fact {
  readonly element: HTMLElement;
  private readonly value = h("dd");

  constructor(name: string) {
    this.element = h("div", {}, h("dt", {}, name), this.value);
  }

  write(text: string): void {
    write(this.value, text);
    show(this.element, text !== "");
  }
}

export class Card {
  readonly element: HTMLElement;
  private readonly badge = h("span", { class: "badge" });
  private readonly asked = h("p", { class: "quiet" });
  private readonly trouble = h("p", { class: "trouble" });
  private readonly wait = h("p", { class: "wait", role: "status" });
  private readonly note = h("p", { class: "quiet" });
  private readonly photos = h("p", { class: "large" });
  private readonly bar: HTMLProgressElement;
  private readonly facts = {
    rate: new Fact("Speed"),
    toGo: new Fact("To go"),
    doing: new Fact("Doing"),
    quota: new Fact("Calls left"),
    frees: new Fact("The next call"),
    calls: new Fact("Calls of this run"),
    failed: new Fact("Failed for now"),
    size: new Fact("photos.ndjson"),
    lists: new Fact("Besides"),
  };
  private readonly controls: Controls;
  private readonly parts = [new RunPart(), new ListingPart(), new QuotaPart(), new CallsPart(), new LatestPart(), new FailuresPart()];
  private readonly body: HTMLElement;

  constructor(facts: Facts) {
    const id = `archive-${facts.number}`;
    this.bar = h("progress", { max: "1", "aria-label": "Photos that are there, of those expected" });
    this.controls = new Controls(facts.number, facts.archive);
    const values = h("dl", { class: "facts" }, ...Object.values(this.facts).map((fact) => fact.element));
    const head = h("div", { class: "head" }, h("h2", { id }, facts.archive), this.badge);
    this.body = h("div", {}, this.photos, this.bar, values, this.controls.element);
    this.body.append(h("div", { class: "panels" }, ...this.parts.map((part) => part.element)));
    this.element = h("article", { "aria-labelledby": id }, head, this.asked, this.trouble, this.wait, this.note, this.body);
  }

  write(facts: Facts): void {
    const { contents, run } = facts;
    const { report } = contents;
    write(this.badge, run?.is_paused ? "paused" : (report?.state ?? "not readable"));
    this.badge.dataset["state"] = this.badge.textContent ?? "";
    write(this.asked, contents.asked);
    write(this.trouble, contents.trouble);
    show(this.trouble, contents.trouble !== "");
    show(this.body, report !== null);
    write(this.note, run || !report ? "" : report.note);
    this.writeWait(facts);
    if (!report) return;
    this.writePhotos(facts);
    this.writeFacts(facts);
    this.controls.write(facts);
    for (const part of this.parts) part.write(facts);
  }

  private writeWait({ run, at }: Facts): void {
    const wait = run?.reading?.wait;
    const until = wait?.until ? `Waiting until ${moment(Math.round(wait.until), at)}: ${wait.why}.` : `Paused ${wait?.why ?? ""}.`;
    show(this.wait, Boolean(wait));
    if (wait) write(this.wait, until);
  }

  private writePhotos({ contents, run }: Facts): void {
    const { photos, expected } = run?.reading ?? contents.report ?? { photos: 0, expected: null };
    const isKnown = expected !== null && photos <= expected;
    write(this.photos, isKnown ? `${count(photos)} of about ${plural(expected, "photo")}` : plural(photos, "photo"));
    const share = expected ? Math.min(photos / expected, 1) : 0;
    this.bar.value = share;
    show(this.bar, Boolean(expected));
  }

  private writeFacts({ contents, run, quota, at }: Facts): void {
    const { reading } = run ?? { reading: null };
    const { report } = contents;
    const facts = this.facts;
    const left = reading ? reading.seconds_left : report?.seconds_to_go;
    facts.rate.write(reading?.photos_per_second && !reading.wait ? rate(reading.photos_per_second) : "");
    facts.toGo.write(left ? `about ${duration(left)}${reading ? `, until ${moment(at + left, at)}` : ""}` : "");
    facts.doing.write(reading?.doing ?? "");
    facts.quota.write(tellQuota(quota, run));
    const frees = quota?.frees_in ?? run?.frees_in ?? 0;
    facts.frees.write(frees ? `in ${duration(frees)}, at ${moment(at + frees, at)}` : "");
    facts.calls.write(reading ? count(reading.calls) : "");
    facts.failed.write(count(reading?.failed ?? report?.failed ?? 0));
    facts.size.write(bytes(report?.bytes ?? 0));
    const lists = Object.entries(report?.lists ?? {}).filter(([, n]) => n);
    facts.lists.write(lists.map(([name, n]) => `${count(n)} ${name.replaceAll("_", " ")}`).join(", "));
  }
}

function tellQuota(quota: Quota | null, run: Run | null): string {
  if (quota) return `${count(quota.left)} of ${count(quota.limit)} in ${duration(quota.period)}`;
  const left = run?.reading?.calls_left;
  return left === null || left === undefined ? "" : count(left);
}

interface Part {
  element: HTMLElement;
  write(facts: Facts): void;
}

/** Photos since the run began, and how fast they came. */
class RunPart implements Part {
  private readonly total = new Chart({ label: "", isTime: true, isBars: false });
  private readonly speed = new Chart({ label: "", isTime: true, isBars: false, height: 120 });
  private readonly table = new Table("Photos and calls over time", [["at", "text"], ["photos", "number"], ["calls", "number"], ["photos a minute", "number"]], "No run was seen yet.");
  readonly element: HTMLElement;

  constructor() {
    const speed = h("h4", {}, "Photos a minute");
    this.element = panel("Photos", this.total.element, speed, this.speed.element, numbers(this.table));
  }

  write({ samples, at }: Facts): void {
    show(this.element, samples.length > 0);
    const speeds = samples.map((sample, n) => perMinute(findBefore(samples, n), sample));
    const last = samples.at(-1);
    const times = samples.map(([when]) => when);
    this.total.write([times, samples.map(([, photos]) => photos)], last ? `${plural(last[1], "photo")} at ${moment(last[0], at)}.` : "");
    this.speed.write([times, speeds], `Now ${count(Math.round(speeds.at(-1) ?? 0))} photos a minute.`);
    const step = Math.max(1, Math.ceil(samples.length / MOST_ROWS));
    const rows = samples.flatMap(([when, photos, calls], n) => {
      const isShown = n === samples.length - 1 || n % step === 0;
      return isShown ? [[moment(when, at), count(photos), count(calls), count(Math.round(speeds[n] ?? 0))]] : [];
    });
    this.table.write(rows.reverse());
  }
}

/** The sample to compare with: half a minute before, since calls of a kind go out in swarms. */
function findBefore(samples: Sample[], n: number): Sample | undefined {
  const at = samples[n]?.[0] ?? 0;
  let before = n - 1;
  while (before > 0 && at - (samples[before]?.[0] ?? 0) < SMOOTH) before -= 1;
  return samples[before];
}

function perMinute(before: Sample | undefined, [at, photos]: Sample): number | null {
  return before && at > before[0] ? Math.max(((photos - before[1]) / (at - before[0])) * 60, 0) : null;
}

/** The listing of a search as a stretch of time that is being filled, and when its photos were uploaded. */
class ListingPart implements Part {
  private readonly strip = new Strip();
  private readonly ends = [h("span"), h("span")] as const;
  private readonly told = h("p");
  private readonly months = new Chart({ label: "", isTime: true, isBars: true, height: 140, x: (at) => date(at).slice(0, 7) });
  private readonly table = new Table("Listed by time of upload", [["uploaded", "text"], ["photos listed", "number"], ["read", "number"]], "Nothing was listed yet.");
  private readonly charts: HTMLElement;
  private readonly uploads = h("div");
  readonly element: HTMLElement;

  constructor() {
    this.charts = h("div", {}, this.strip.element as unknown as HTMLElement, h("p", { class: "ends" }, ...this.ends));
    this.uploads.append(h("h4", {}, "Photos listed, by month of upload"), this.months.element);
    this.element = panel("Listing", this.told, this.charts, this.uploads, numbers(this.table));
  }

  write({ contents }: Facts): void {
    const { timeline, months } = contents;
    const names = fillMonths(months);
    show(this.element, timeline !== null || names.length > 0);
    show(this.charts, timeline !== null);
    show(this.uploads, names.length > 1);
    write(this.told, timeline ? tellListing(timeline) : "");
    if (timeline) {
      this.strip.write(timeline);
      write(this.ends[0], date(timeline.since));
      write(this.ends[1], date(timeline.until));
    }
    const listed = Object.values(months).reduce((sum, n) => sum + n, 0);
    const label = names.length ? `${plural(listed, "photo")} from ${names[0]} to ${names.at(-1)}.` : "";
    this.months.write([names.map((name) => Date.parse(`${name}-01`) / 1000), names.map((name) => months[name] ?? 0)], label);
    const rows = timeline
      ? timeline.rows.map((row) => [row.when, count(row.photos), percent(row.read)])
      : Object.entries(months).map(([name, n]) => [name, count(n), ""]);
    this.table.write(rows.reverse());
  }
}

function tellListing(timeline: Timeline): string {
  if (timeline.to_read === 0) return timeline.lacking.length ? "Read to its end; of some of it Flickr keeps photos back." : "Read to its end.";
  return `${percent(timeline.share)} of the time is read; ${plural(timeline.to_read, "stretch", "stretches")} to go.`;
}

/** All months from the first to the last. */
function fillMonths(months: Record<string, number>): string[] {
  const known = Object.keys(months).sort();
  const [first, last] = [known[0], known.at(-1)];
  if (!first || !last) return [];
  const found: string[] = [];
  for (let name = first; name <= last && found.length < 12_000; ) {
    found.push(name);
    const [year, month] = name.split("-").map(Number) as [number, number];
    name = month === 12 ? `${String(year + 1).padStart(4, "0")}-01` : `${name.slice(0, 5)}${String(month + 1).padStart(2, "0")}`;
  }
  return found;
}

/** When the calls that are spent come back. */
class QuotaPart implements Part {
  private readonly chart = new Chart({ label: "", isTime: false, isBars: true, height: 140, steps: [5, 10, 15, 30], x: (n) => this.tell(n) });
  private readonly told = h("p");
  private slice = 60;
  private readonly table = new Table("Calls that come back", [["from", "text"], ["calls", "number"]], "All calls are left.");
  readonly element: HTMLElement;

  constructor() {
    this.element = panel("Quota", this.told, this.chart.element, numbers(this.table));
  }

  write({ quota, at }: Facts): void {
    show(this.element, quota !== null);
    if (!quota) return;
    const slice = quota.period / SLICES;
    this.slice = slice;
    const spent = quota.limit - quota.left;
    const told = spent ? `${plural(spent, "call")} spent in the last ${duration(quota.period)}, by all processes; they come back as drawn.` : "No call was spent.";
    write(this.told, told);
    show(this.chart.element, spent > 0);
    this.chart.write([quota.slices.map((_, n) => n), quota.slices], told);
    const rows = quota.slices.flatMap((calls, n) => (calls ? [[moment(at + n * slice, at), count(calls)]] : []));
    this.table.write(rows);
  }

  /** In how long the slice `n` comes. */
  private tell(n: number): string {
    return n ? `in ${duration(n * this.slice)}` : "now";
  }
}

/** Calls by method and outcome, calls made again, and time waited. */
class CallsPart implements Part {
  private readonly calls = new Table("Calls by method and outcome", [["method", "text"], ["outcome", "text"], ["calls", "number"]], "No call has ended yet.");
  private readonly odd = new Table("Calls made again, and time waited", [["what", "text"], ["how much", "number"]], "No call was made again, nothing was waited for.");
  readonly element = panel("Calls", this.calls.element, this.odd.element);

  write({ run }: Facts): void {
    show(this.element, run !== null);
    if (!run) return;
    const rows = run.numbers.calls.map(([method, outcome, n]): [number, string[]] => [n, [method, outcome, count(n)]]);
    this.calls.write(rows.sort(([a], [b]) => b - a).map(([, row]) => row));
    const again = Object.entries(run.numbers.retries).map(([kind, n]) => [`again: ${kind}`, count(n)]);
    const waited = Object.entries(run.numbers.waited).filter(([, seconds]) => seconds > 0);
    this.odd.write([...again, ...waited.map(([why, seconds]) => [`waited: ${why}`, duration(seconds)])]);
  }
}

/** The last photos that were written, by their titles. */
class LatestPart implements Part {
  private readonly table = new Table("Last photos", [["id", "short"], ["title", "text"], ["by", "text"], ["taken", "short"]], "There are no photos yet.", true);
  readonly element = panel("Last photos", this.table.element);

  write({ contents }: Facts): void {
    this.table.write(contents.latest.map((photo) => [photo.id, photo.title.trim() || "(no title)", photo.owner, photo.taken.slice(0, 10)]));
  }
}

/** What could not be had, and what the run has met lately. */
class FailuresPart implements Part {
  private readonly failures = new Table("Could not be had for now", [["what", "text"], ["why", "text"]], "Nothing has failed.");
  private readonly incidents = new Table("Lately", [["at", "text"], ["what", "text"], ["why", "text"]], "Nothing else is to be told.");
  readonly element = panel("Failures", this.failures.element, this.incidents.element);

  write({ contents, run, at }: Facts): void {
    this.failures.write(contents.failures.map(({ what, why }) => [what, why]));
    show(this.incidents.element, run !== null);
    this.incidents.write((run?.incidents ?? []).map((each) => [moment(each.at, at), each.what, each.why]).reverse());
  }
}
