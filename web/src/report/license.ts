/** Licences, and what somebody who wants to use the photos may do. */
import * as Plot from "@observablehq/plot";
import { type Child, foreign, h } from "../shared/dom";
import { count, plural, share } from "../shared/format";
import { folded, table } from "../shared/table";
import { figure } from "./chart";
import type { License, Report } from "./data";

export const KINDS = ["Free of conditions", "Attribution", "Not commercially", "Not to be changed", "All rights reserved", "Not told"] as const;
export type Kind = (typeof KINDS)[number];

export function kindOf({ terms }: License): Kind {
  if (terms.is_open === null) return "Not told";
  if (!terms.is_open) return "All rights reserved";
  if (!terms.must_attribute) return "Free of conditions";
  if (!terms.adapted) return "Not to be changed";
  return terms.commercially ? "Attribution" : "Not commercially";
}

export const colorOf = (kind: Kind): string => `var(--kind-${KINDS.indexOf(kind) + 1})`;

export function sumKinds(licenses: License[]): { kind: Kind; n: number }[] {
  const sums = new Map<Kind, number>(KINDS.map((kind) => [kind, 0]));
  for (const license of licenses) sums.set(kindOf(license), (sums.get(kindOf(license)) ?? 0) + license.count);
  return [...sums].map(([kind, n]) => ({ kind, n })).filter(({ n }) => n > 0);
}

/** One bar, split by what the licences allow, with its legend as text. */
export function split(licenses: License[], photos: number): HTMLElement {
  const kinds = sumKinds(licenses);
  const bar = h("div", { class: "split", "aria-hidden": "true" });
  for (const { kind, n } of kinds) {
    const part = h("span");
    part.style.flexGrow = String(n);
    part.style.background = colorOf(kind);
    bar.append(part);
  }
  return h("div", {}, bar, legend(kinds.map(({ kind, n }) => [kind, `${kind} ${share(n, photos)}`])));
}

function legend(entries: [Kind, string][]): HTMLElement {
  return h(
    "ul",
    { class: "legend" },
    ...entries.map(([kind, text]) => {
      const mark = h("span", { class: "swatch", "aria-hidden": "true" });
      mark.style.background = colorOf(kind);
      return h("li", {}, mark, text);
    }),
  );
}

export function licenseSection(report: Report): Child[] {
  const { licenses, counts } = report;
  if (licenses.length === 0) return [h("p", {}, "There is no photo.")];
  const sum = (wanted: (license: License) => boolean): number => licenses.filter(wanted).reduce((all, { count: n }) => all + n, 0);
  const open = sum(({ terms }) => terms.is_open === true);
  const yes = (may: boolean | null): string => (may === null ? "not known" : may ? "yes" : "no");
  return [
    h("p", {}, `${plural(open, "photo")} (${share(open, counts.photos)}) may be used without asking: ${count(sum(({ terms }) => terms.commercially))} of them also commercially, ${count(sum(({ terms }) => terms.adapted))} also changed.`),
    split(licenses, counts.photos),
    folded(
      "Table: licences, and what they allow",
      table(
        licenses,
        [
          { name: "Licence", value: ({ terms }) => terms.name },
          { name: "Photos", value: ({ count: n }) => n },
          { name: "Share", value: ({ count: n }) => Math.round((1e6 * n) / Math.max(counts.photos, 1)) / 1e6, show: ({ count: n }) => share(n, counts.photos) },
          { name: "Use without asking", value: ({ terms }) => yes(terms.is_open) },
          { name: "Commercially", value: ({ terms }) => yes(terms.is_open === null ? null : terms.commercially) },
          { name: "Changed", value: ({ terms }) => yes(terms.is_open === null ? null : terms.adapted) },
          { name: "Name the author", value: ({ terms }) => yes(terms.is_open === null ? null : terms.must_attribute) },
          { name: "Share alike", value: ({ terms }) => yes(terms.is_open === null ? null : terms.alike) },
        ],
        { caption: "Licences, and what they allow", searchFrom: Infinity },
      ),
    ),
    report.licenses_by_year.length > 0 && overTime(report),
    ...attribution(report),
  ];
}

function overTime({ licenses, licenses_by_year }: Report): HTMLElement | null {
  const kinds = new Map(licenses.map((license) => [license.id, kindOf(license)]));
  const years = [...new Set(licenses_by_year.map(([year]) => year))].sort();
  if (years.length < 2) return null;
  const sums = new Map<string, number>();
  for (const [year, id, n] of licenses_by_year) {
    const key = `${year} ${kinds.get(id)}`;
    sums.set(key, (sums.get(key) ?? 0) + n);
  }
  const shown = KINDS.filter((kind) => [...kinds.values()].includes(kind));
  const rows = years.flatMap((year) => shown.map((kind) => ({ year, kind, n: sums.get(`${year} ${kind}`) ?? 0 })));
  return figure({
    title: "By year of upload",
    alt: `A bar for each year from ${years[0]} to ${years.at(-1)}, split by what the licences of that year's photos allow.`,
    draw: (width) => {
      const every = Math.ceil((years.length * 38) / Math.max(width - 50, 1));
      return {
        height: 230,
        marginTop: 30,
        marginLeft: 50,
        x: { domain: years, label: null, tickSize: 0, tickFormat: (year: string) => (years.indexOf(year) % every ? "" : year) },
        y: { percent: true, label: "% of the year's photos", grid: true, ticks: 4 },
        color: { type: "identity" },
        marks: [
          Plot.barY(rows, Plot.stackY({ offset: "normalize", order: [...shown].map(colorOf) }, { x: "year", y: "n", fill: ({ kind }) => colorOf(kind), z: ({ kind }) => colorOf(kind), insetLeft: 1, insetRight: 1 })),
          Plot.ruleY([0], { stroke: "var(--line)" }),
        ],
      };
    },
    below: [
      legend(shown.map((kind) => [kind, kind])),
      folded(
        "Table: licences by year",
        table(
          years,
          [
            { name: "Year", value: (year) => year },
            ...shown.map((kind) => ({ name: kind, value: (year: string) => sums.get(`${year} ${kind}`) ?? 0 })),
          ],
          { caption: "Photos by what their licences allow, and year of upload" },
        ),
      ),
    ],
  });
}

function attribution({ attribution: example, counts }: Report): Child[] {
  return [
    h("h3", {}, "To attribute a photo"),
    h(
      "p",
      {},
      `Creative Commons licences ask for title, author, source and licence. Author and page are known of ${plural(counts.attributed, "photo")} of ${count(counts.photos)}. The column `,
      h("code", {}, "attribution"),
      " of ",
      h("code", {}, "harvester export"),
      " has the sentence for each.",
    ),
    example !== "" && h("blockquote", {}, foreign(example)),
    h("p", { class: "note" }, "A licence says nothing about the rights of people who are shown. The licences are those of the day of the harvest; their owners may have changed them since."),
  ];
}
