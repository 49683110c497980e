/** Values that many photos have: the first of them as bars, more in a table. */
import { type Child, foreign, h, link, personPage } from "../shared/dom";
import { count, plural, share } from "../shared/format";
import { folded, table } from "../shared/table";
import { bars, figure, ONE } from "./chart";
import type { Ranking } from "./data";

export function rankingTable(ranking: Ranking, name: string, photos: number, page: (id: string) => string | null = () => null): HTMLElement {
  return table(
    ranking.entries,
    [
      { name, value: (entry) => entry.name, show: (entry) => link(entry.name || "(no name)", page(entry.id ?? "")) },
      { name: "Photos", value: (entry) => entry.count },
      { name: "Share", value: (entry) => Math.round((1e6 * entry.count) / Math.max(photos, 1)) / 1e6, show: (entry) => share(entry.count, photos) },
    ],
    { caption: name },
  );
}

interface Shown {
  title: string;
  noun: string;
  many: string;
  name: string;
  fill?: string;
  most?: number;
  isPerson?: boolean;
  /** So many of the first are in the table alone. */
  leaveOut?: number;
}

export function rankingFigure(ranking: Ranking, photos: number, shown: Shown): HTMLElement {
  const { title, noun, many, name, fill = ONE, most = 15, isPerson = false, leaveOut = 0 } = shown;
  const first = ranking.entries.slice(leaveOut, leaveOut + most).map((entry) => ({ ...entry, name: entry.name || "(no name)" }));
  const [top] = first;
  const more = ranking.distinct - ranking.entries.length;
  return figure({
    title,
    alt: `Bars: the ${plural(first.length, noun, many)} with most photos, of ${count(ranking.distinct - leaveOut)}; first ${top?.name} with ${count(top?.count ?? 0)}.`,
    draw: (width) => bars(first, width, fill),
    below: [
      leaveOut > 0 && h("p", { class: "note" }, `Not in the chart, since nearly all photos have ${leaveOut === 1 ? "it" : "them"}: `, ...common()),
      folded(
        `Table: ${many}`,
        rankingTable(ranking, name, photos, isPerson ? personPage : undefined),
        more > 0 && h("p", { class: "note" }, `These are the first ${count(ranking.entries.length)} of ${plural(ranking.distinct, noun, many)}.`),
      ),
    ],
  });

  function common(): Child[] {
    return ranking.entries.slice(0, leaveOut).flatMap((entry, n) => [n > 0 && ", ", foreign(entry.name), ` (${count(entry.count)})`]);
  }
}
