/** Photos over time. */
import * as Plot from "@observablehq/plot";
import { type Child, h } from "../shared/dom";
import { count, DAYS, month, plural } from "../shared/format";
import { folded, table } from "../shared/table";
import { figure, ONE, ticksTo, TWO } from "./chart";
import type { Report, When } from "./data";

const HOURS = Array.from({ length: 24 }, (_, hour) => hour);

export function byYear(when: When): Map<string, number> {
  const years = new Map<string, number>();
  for (const [text, n] of when.months) years.set(text.slice(0, 4), (years.get(text.slice(0, 4)) ?? 0) + n);
  return years;
}

/** From the first to the last year of nearly all photos: single ones that are far off make no chart narrow. */
function usualYears(years: Map<string, number>): [number, number] {
  const sorted = [...years].sort();
  const total = sorted.reduce((sum, [, n]) => sum + n, 0);
  const edge = (entries: [string, number][]): number => {
    let before = 0;
    for (const [year, n] of entries) if ((before += n) > total * 0.002) return Number(year);
    return Number(entries[0]?.[0] ?? 0);
  };
  return [edge(sorted), edge([...sorted].reverse())];
}

function timeline(title: string, verb: string, when: When, fill: string): HTMLElement {
  const years = byYear(when);
  const [first, last] = usualYears(years);
  const outside = [...years].filter(([year]) => Number(year) < first || Number(year) > last);
  const far = outside.reduce((sum, [, n]) => sum + n, 0);
  const notes: Child[] = [];
  if (far) notes.push(`Not in the chart: ${plural(far, "photo")} of ${outside.map(([year]) => year).sort().slice(0, 8).join(", ")}${outside.length > 8 ? " …" : ""}. `);
  if (when.unknown) notes.push(`Of ${plural(when.unknown, "photo")} it is not known when they were ${verb}.`);
  const most = [...years].sort((one, other) => other[1] - one[1])[0];
  return figure({
    title,
    alt: `Bars: photos ${verb} in each ${"month or year"} from ${first} to ${last}; most in ${most?.[0]}, ${count(most?.[1] ?? 0)}.`,
    draw: (width) => draw(when, [first, last], width, fill),
    below: [
      notes.length > 0 && h("p", { class: "note" }, ...notes),
      folded(
        `Table: ${verb} by month`,
        table(
          when.months,
          [
            { name: "Month", value: ([text]) => text, show: ([text]) => (text.length === 4 ? `${text}, month not known` : month(text)) },
            { name: "Photos", value: ([, n]) => n },
          ],
          { caption: `Photos ${verb}, by month` },
        ),
      ),
    ],
  });
}

function draw(when: When, [first, last]: [number, number], width: number, fill: string): Plot.PlotOptions {
  const inRange = when.months.filter(([text]) => Number(text.slice(0, 4)) >= first && Number(text.slice(0, 4)) <= last);
  const months = (last - first + 1) * 12;
  const isByYear = months > width / 2.5 || inRange.filter(([text]) => text.length === 4).length * 3 > inRange.length;
  const sums = new Map<number, number>();
  for (const [text, n] of inRange) {
    const at = atUtc(Number(text.slice(0, 4)), isByYear || text.length === 4 ? 0 : Number(text.slice(5, 7)) - 1);
    sums.set(at, (sums.get(at) ?? 0) + n);
  }
  const data = [...sums].map(([at, n]) => {
    const from = new Date(at);
    const to = new Date(atUtc(from.getUTCFullYear() + Number(isByYear), isByYear ? 0 : from.getUTCMonth() + 1));
    const name = isByYear ? String(from.getUTCFullYear()) : month(from.toISOString().slice(0, 7));
    return { from, to, n, told: `${name}\n${plural(n, "photo")}` };
  });
  return {
    height: 230,
    marginTop: 30,
    marginLeft: 52,
    x: { type: "utc", domain: [new Date(atUtc(first, 0)), new Date(atUtc(last + 1, 0))], label: null, nice: false },
    y: { grid: true, label: `Photos by ${isByYear ? "year" : "month"}`, tickFormat: "~s", ticks: ticksTo(Math.max(...sums.values())), zero: true },
    marks: [
      Plot.rectY(data, { x1: "from", x2: "to", y: "n", fill, inset: isByYear ? 1 : 0.25 }),
      Plot.tip(data, Plot.pointerX({ x1: "from", x2: "to", y: "n", title: "told" })),
      Plot.ruleY([0], { stroke: "var(--line)" }),
    ],
  };
}

/** Date.UTC takes the years 0 to 99 for others. */
function atUtc(year: number, month: number): number {
  const date = new Date(0);
  date.setUTCFullYear(year, month, 1);
  return date.getTime();
}

function week(title: string, verb: string, hours: number[], fill: string, clock: string): HTMLElement {
  const cells = hours.map((n, at) => ({ day: DAYS[Math.floor(at / 24)] ?? "", hour: at % 24, n }));
  const top = cells.reduce((one, other) => (other.n > one.n ? other : one));
  return figure({
    title,
    alt: `A square for each hour of the week, the fuller the more photos were ${verb}; most on ${top.day} at ${top.hour} h, ${count(top.n)}.`,
    draw: (width) => ({
      height: 7 * Math.min(26, Math.max(width / 26, 14)) + 48,
      marginTop: 4,
      marginBottom: 44,
      marginLeft: 40,
      marginRight: 4,
      x: { domain: HOURS, label: clock, labelOffset: 38, labelAnchor: "center", labelArrow: "none", tickFormat: (hour: number) => (hour % (width < 420 ? 6 : 3) ? "" : `${hour}`), tickSize: 0, padding: 0.06 },
      y: { domain: DAYS, label: null, tickSize: 0, padding: 0.06 },
      opacity: { type: "sqrt", range: [0, 1], domain: [0, Math.max(top.n, 1)] },
      marks: [
        Plot.cell(cells, { x: "hour", y: "day", fill: "var(--empty)" }),
        Plot.cell(cells, { x: "hour", y: "day", fill, fillOpacity: "n" }),
        Plot.tip(cells, Plot.pointer({ x: "hour", y: "day", title: ({ day, hour, n }) => `${day}, ${hour} h\n${plural(n, "photo")}` })),
      ],
    }),
    below: [folded(`Table: ${verb} by hour and weekday`, hourTable(hours, verb))],
  });
}

function hourTable(hours: number[], verb: string): HTMLElement {
  const rows = HOURS.map((hour) => ({ hour, days: DAYS.map((_, day) => hours[day * 24 + hour] ?? 0) }));
  return table(
    rows,
    [
      { name: "Hour", value: ({ hour }) => hour, show: ({ hour }) => `${hour} h` },
      ...DAYS.map((name, day) => ({ name, value: (row: (typeof rows)[number]) => row.days[day] ?? 0 })),
      { name: "All", value: ({ days }) => days.reduce((sum, n) => sum + n, 0) },
    ],
    { caption: `Photos ${verb}, by hour and weekday`, searchFrom: Infinity },
  );
}

export function timeSection({ uploaded, taken }: Report): Child[] {
  const one = byYear(uploaded);
  const other = byYear(taken);
  const years = [...new Set([...one.keys(), ...other.keys()])].sort();
  const hasTaken = taken.months.length > 0;
  return [
    uploaded.months.length > 0
      ? timeline("Uploaded", "uploaded", uploaded, ONE)
      : h("p", {}, "Of none of the photos it is known when they were uploaded."),
    hasTaken ? timeline("Taken", "taken", taken, TWO) : h("p", {}, "Of none of the photos it is known when they were taken."),
    years.length > 0 &&
      folded(
        "Table: uploaded and taken by year",
        table(
          years,
          [
            { name: "Year", value: (year) => year },
            { name: "Uploaded", value: (year) => one.get(year) ?? 0 },
            { name: "Taken", value: (year) => other.get(year) ?? 0 },
          ],
          { caption: "Photos uploaded and taken, by year" },
        ),
      ),
    h(
      "div",
      { class: "pair" },
      uploaded.hours.some(Boolean) && week("When in the week they were uploaded", "uploaded", uploaded.hours, ONE, "Hour, UTC"),
      taken.hours.some(Boolean) && week("When in the week they were taken", "taken", taken.hours, TWO, "Hour, by the camera's clock"),
    ),
  ];
}
