/** Tags: the first of them, and over the years. */
import * as Plot from "@observablehq/plot";
import { type Child, h } from "../shared/dom";
import { count, plural, share } from "../shared/format";
import { folded, table } from "../shared/table";
import { cutTo, figure, ONE, roomFor } from "./chart";
import type { Report } from "./data";
import { rankingFigure } from "./ranking";
import { byYear } from "./time";

export function tagSection({ tags, counts, uploaded }: Report): Child[] {
  if (tags.distinct === 0) return [h("p", {}, "None of the photos has a tag.")];
  const untagged = counts.photos - counts.tagged;
  return [
    h(
      "p",
      {},
      `${plural(tags.distinct, "tag")}, used ${plural(tags.uses, "time")}. `,
      untagged > 0 && `${plural(untagged, "photo")} (${share(untagged, counts.photos)}) ${untagged === 1 ? "has" : "have"} none.`,
    ),
    rankingFigure(tags, counts.photos, { title: "Most used", noun: "tag", many: "tags", name: "Tag", most: 20, leaveOut: findCommon(tags, counts.photos) }),
    tags.years.length > 1 && overTime(tags, byYear(uploaded)),
  ];
}

/** How many of the first tags nearly all photos have, as one that was searched for: beside them all others look alike. */
function findCommon({ entries }: Report["tags"], photos: number): number {
  const others = entries.findIndex(({ count: n }) => n < photos * 0.9);
  return others > 0 && (entries[others]?.count ?? 0) * 2 < photos ? others : 0;
}

function overTime({ entries, years, by_year }: Report["tags"], photos: Map<string, number>): HTMLElement {
  const names = entries.slice(0, by_year.length).map(({ name }) => name);
  const cells = by_year.flatMap((counts, row) => {
    const parts = counts.map((n, at) => n / (photos.get(years[at] ?? "") ?? n));
    const most = Math.max(...parts, 0);
    return counts.map((n, at) => ({ row, year: years[at] ?? "", n, part: n && (parts[at] ?? 0) / most, told: share(n, photos.get(years[at] ?? "") ?? 0) }));
  });
  return figure({
    title: "Over the years of upload",
    alt: `A square for each of the first ${names.length} tags and each year from ${years[0]} to ${years.at(-1)}, the fuller the larger the share of that year's photos that have the tag.`,
    draw: (width) => {
      const { left, letters } = roomFor(names, width);
      const every = Math.ceil((years.length * 38) / Math.max(width - left, 1));
      return {
        height: names.length * 22 + 40,
        marginLeft: left,
        marginRight: 4,
        x: { domain: years, label: null, tickSize: 0, padding: 0.06, tickFormat: (year: string) => (years.indexOf(year) % every ? "" : year) },
        y: { axis: null, domain: names.map((_, row) => row), padding: 0.06 },
        opacity: { type: "identity" },
        marks: [
          Plot.cell(cells, { x: "year", y: "row", fill: "var(--empty)" }),
          Plot.cell(cells, { x: "year", y: "row", fill: ONE, fillOpacity: ({ part }) => (part ? 0.1 + 0.9 * part : 0) }),
          Plot.text(names, { frameAnchor: "left", y: (_, row: number) => row, text: (name: string) => cutTo(name, letters), textAnchor: "end", dx: -8, fill: "currentColor" }),
          Plot.tip(cells, Plot.pointer({ x: "year", y: "row", title: ({ row, year, n, told }) => `${cutTo(names[row] ?? "", 40)}, ${year}\n${plural(n, "photo")}, ${told} of the year's` })),
        ],
      };
    },
    below: [
      h("p", { class: "note" }, "How many of the year's photos have the tag; each row is measured by its own fullest year."),
      folded(
        "Table: tags by year",
        table(
          by_year.map((counts, row) => ({ name: names[row] ?? "", counts })),
          [
            { name: "Tag", value: ({ name }) => name },
            ...years.map((year, at) => ({ name: year, value: ({ counts }: { counts: number[] }) => counts[at] ?? 0 })),
          ],
          { caption: `The first ${count(names.length)} tags, by year of upload` },
        ),
      ),
    ],
  });
}
