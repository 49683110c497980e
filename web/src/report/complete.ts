/** What was asked, and how much of it is there. */
import * as Plot from "@observablehq/plot";
import { type Child, foreign, h } from "../shared/dom";
import { bytes, count, day, moment, plural, share } from "../shared/format";
import { folded, table } from "../shared/table";
import { figure, ticksTo } from "./chart";
import type { Archive, Report, Stretch, Update } from "./data";

const STATES: Record<string, string> = {
  complete: "Complete",
  incomplete: "Ended, and something could not be had",
  unfinished: "Stopped before its end",
  running: "Under way",
  updating: "Being brought up to date",
  damaged: "Damaged",
};

const MOST_OPEN = 3;

/** `complete` where all archives are; else the state of the first that is not. */
export function stateOf(archives: Archive[]): string {
  return archives.find(({ state }) => state !== "complete")?.state ?? "complete";
}

export const tellState = (state: string): string => STATES[state] ?? state;

export function completeSection({ archives, refusals, counts }: Report): Child[] {
  const alone = archives.length === 1;
  const box = (archive: Archive): HTMLElement => {
    const details = folded(archive.name, ...one(archive));
    details.className = "archive";
    details.toggleAttribute("open", archives.length <= MOST_OPEN);
    return details;
  };
  return [
    !alone && overview(archives),
    ...archives.map((archive) => (alone ? h("div", {}, ...one(archive)) : box(archive))),
    ...missingParts(refusals),
    counts.misfits > 0 && h("p", { class: "note" }, `${plural(counts.misfits, "value")} could not be read as what they should be, and count as unknown.`),
  ];
}

function overview(archives: Archive[]): HTMLElement {
  return table(
    archives,
    [
      { name: "Archive", value: ({ name }) => name },
      { name: "State", value: ({ state }) => tellState(state) },
      { name: "Photos", value: ({ photos }) => photos },
      { name: "Flickr claims", value: ({ claimed }) => claimed },
      { name: "Not to be had so far", value: ({ failed }) => failed },
      { name: "Begun", value: ({ begun }) => begun ?? "", show: ({ begun }) => moment(begun) },
    ],
    { caption: "Archives" },
  );
}

function one(archive: Archive): Child[] {
  return [
    h("p", { class: `state ${archive.state}` }, tellState(archive.state)),
    archive.note !== "" && h("p", {}, foreign(archive.note)),
    facts(archive),
    archive.stretches.length > 0 && coverage(archive),
    ...keptBack(archive),
    archive.failures.length > 0 && failures(archive),
  ];
}

function facts(archive: Archive): HTMLElement {
  const lists = Object.entries(archive.lists).filter(([, n]) => n > 0);
  const rows: [string, Child][] = [
    ...archive.asked.map(([name, value]): [string, Child] => [`Asked: ${name}`, foreign(value)]),
    ["Begun", moment(archive.begun)],
    ["As of", moment(archive.updated)],
    ["Harvested by", archive.version ? `harvester ${archive.version}` : "–"],
    ["Photos", claim(archive)],
  ];
  if (archive.difference) rows.push(["Difference", foreign(archive.difference)]);
  if (archive.failed) rows.push(["Not to be had so far", count(archive.failed)]);
  if (archive.withdrawn) rows.push(["Taken down", count(archive.withdrawn)]);
  if (lists.length) rows.push(["Lists", lists.map(([name, n]) => `${name} ${count(n)}`).join(", ")]);
  if (archive.calls !== null) rows.push(["Calls of the last run", count(archive.calls)]);
  rows.push(["Size of all lines", bytes(archive.bytes)]);
  return h("dl", { class: "facts" }, ...rows.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

function claim({ photos, claimed }: Archive): string {
  if (claimed === null) return `${count(photos)}; Flickr tells no number`;
  const told = `${count(photos)} of ${count(claimed)} that Flickr claims`;
  return claimed ? `${told} (${share(Math.min(photos, claimed), claimed)})` : told;
}

const wholeness = (stretch: Stretch): string => {
  if (!stretch.is_whole) return "Kept back";
  return stretch.claimed !== null && stretch.found < stretch.claimed ? "Fewer than claimed" : "All there";
};
const COLORS: Record<string, string> = { "All there": "var(--good)", "Fewer than claimed": "var(--warn)", "Kept back": "var(--bad)" };

function coverage({ stretches, begun }: Archive): HTMLElement {
  const first = stretches.find(({ since }) => since > "1970-01-02")?.since ?? "2004-01-01T00:00:00Z";
  const start = new Date(Math.min(Date.parse(first), Date.parse(begun ?? first)));
  const rows = stretches.map((stretch) => ({
    from: new Date(Math.max(Date.parse(stretch.since), start.getTime())),
    to: new Date(Date.parse(stretch.until)),
    is: wholeness(stretch),
    told: `${day(stretch.since)} to ${day(stretch.until)}\n${claims(stretch)}`,
  }));
  const kinds = Object.keys(COLORS).filter((kind) => rows.some(({ is }) => is === kind));
  return figure({
    title: "Coverage by time of upload",
    alt: `A band of time from ${day(first)} on; ${kinds.map((kind) => `${plural(rows.filter(({ is }) => is === kind).length, "stretch", "stretches")}: ${kind.toLowerCase()}`).join("; ")}.`,
    draw: () => ({
      height: 74,
      marginLeft: 16,
      marginRight: 16,
      marginTop: 6,
      x: { type: "utc", label: null, domain: [start, new Date(Math.max(...rows.map(({ to }) => to.getTime())))] },
      color: { type: "identity" },
      marks: [
        Plot.rect(rows, { x1: "from", x2: "to", y1: 0, y2: 1, fill: ({ is }) => COLORS[is], insetLeft: 0.5, insetRight: 0.5 }),
        Plot.tip(rows, Plot.pointerX({ x1: "from", x2: "to", y: 0.5, title: "told" })),
      ],
      y: { axis: null },
    }),
    below: [
      h("ul", { class: "legend" }, ...kinds.map((kind) => h("li", {}, swatch(COLORS[kind] ?? ""), kind))),
      folded("Table: stretches of time", stretchTable(stretches)),
    ],
  });
}

function swatch(color: string): HTMLElement {
  const mark = h("span", { class: "swatch", "aria-hidden": "true" });
  mark.style.background = color;
  return mark;
}

const claims = ({ claimed, found }: Stretch): string => (claimed === null ? `${count(found)} found` : `${count(found)} found of ${count(claimed)} claimed`);

function stretchTable(stretches: Stretch[]): HTMLElement {
  return table(
    stretches,
    [
      { name: "From", value: ({ since }) => since, show: ({ since }) => moment(since) },
      { name: "To", value: ({ until }) => until, show: ({ until }) => moment(until) },
      { name: "Claimed", value: ({ claimed }) => claimed },
      { name: "Found", value: ({ found }) => found },
      { name: "Is", value: wholeness },
      { name: "Why", value: ({ note }) => note },
    ],
    { caption: "Stretches of upload time" },
  );
}

function keptBack({ kept_back: kept, more_kept_back: more }: Archive): Child[] {
  if (!kept.length) return [];
  return [
    h("h3", {}, "What is missing, and why"),
    stretchTable(kept),
    more > 0 && h("p", { class: "note" }, `${plural(more, "stretch", "stretches")} more stand in manifest.json.`),
  ];
}

function failures({ failures: told }: Archive): HTMLElement {
  return h(
    "div",
    {},
    h("h3", {}, "What could not be had so far"),
    h("p", {}, "The same command, run again, tries these again."),
    reasons(told, "What could not be had so far"),
  );
}

function missingParts(told: Report["refusals"]): Child[] {
  if (!told.length) return [];
  return [
    h("h3", {}, "What Flickr refuses"),
    h("p", {}, "These photos are there, without these parts of them."),
    reasons(told, "Parts that Flickr refuses"),
  ];
}

function reasons(told: [string, string, number][], caption: string): HTMLElement {
  return table(
    told,
    [
      { name: "What", value: ([what]) => what },
      { name: "Reason", value: ([, why]) => why },
      { name: "How often", value: ([, , n]) => n },
    ],
    { caption },
  );
}

export function changeSection({ archives }: Report): Child[] {
  const updates = archives.flatMap(({ updates, name }) => updates.map((update) => ({ ...update, name })));
  if (!updates.length) return [h("p", {}, "No update has changed anything so far.")];
  const more = archives.reduce((sum, archive) => sum + archive.more_updates, 0);
  const members = new Map<string, number>();
  for (const archive of archives) for (const [name, n] of Object.entries(archive.members)) members.set(name, (members.get(name) ?? 0) + n);
  return [
    updateFigure(updates),
    table(
      updates,
      [
        { name: "Update", value: ({ at }) => at, show: ({ at }) => moment(at) },
        ...(archives.length > 1 ? [{ name: "Archive", value: ({ name }: (typeof updates)[number]) => name }] : []),
        { name: "Added", value: ({ added }) => added },
        { name: "Changed", value: ({ changed }) => changed },
        { name: "Gone", value: ({ removed, other }) => removed + other },
        { name: "With another licence", value: ({ licenses }) => licenses },
      ],
      { caption: "Changes from update to update" },
    ),
    more > 0 && h("p", { class: "note" }, `${plural(more, "older update")} ${more === 1 ? "is" : "are"} left out.`),
    members.size > 0 &&
      folded(
        "Table: what has changed of photos",
        table(
          [...members].sort(([, one], [, other]) => other - one),
          [
            { name: "Member", value: ([name]) => name },
            { name: "Changes", value: ([, n]) => n },
          ],
          { caption: "What has changed of photos" },
        ),
      ),
  ];
}

function updateFigure(updates: Update[]): HTMLElement {
  const rows = [...updates].reverse().flatMap(({ at, added, changed, removed, other }) => [
    { at, n: added, fill: "var(--one)" },
    { at, n: changed, fill: "var(--warn)" },
    { at, n: removed + other, fill: "var(--bad)" },
  ]);
  const most = Math.max(...updates.map(({ added, changed, removed, other }) => added + changed + removed + other));
  const names: [string, string][] = [["var(--one)", "Added"], ["var(--warn)", "Changed"], ["var(--bad)", "Gone"]];
  return figure({
    title: "From update to update",
    alt: `A bar for each of ${plural(updates.length, "update")}, split by photos that were added, changed and gone.`,
    draw: (width) => ({
      height: 200,
      marginLeft: 52,
      x: { domain: [...new Set(rows.map(({ at }) => at))], label: null, tickSize: 0, tickFormat: (at: string) => (updates.length * 80 > width ? "" : at.slice(0, 10)) },
      y: { grid: true, label: "Photos", ticks: ticksTo(most), tickFormat: "~s" },
      color: { type: "identity" },
      marks: [Plot.barY(rows, { x: "at", y: "n", fill: "fill" }), Plot.ruleY([0], { stroke: "var(--line)" })],
    }),
    below: [h("ul", { class: "legend" }, ...names.map(([color, name]) => h("li", {}, swatch(color), name)))],
  });
}
