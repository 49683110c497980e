/** Values that many photos have: the first of them as bars, more in a table. */
import { type Child, h, link, personPage } from "../shared/dom";
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
  note?: Child;
}

export function rankingFigure(ranking: Ranking, photos: number, shown: Shown): HTMLElement {
  const { title, noun, many, name, fill = ONE, most = 15, isPerson = false, note } = shown;
  const first = ranking.entries.slice(0, most).map((entry) => ({ ...entry, name: entry.name || "(no name)" }));
  const [top] = first;
  const more = ranking.distinct - ranking.entries.length;
  return figure({
    title,
    alt: `Bars: the ${plural(first.length, noun, many)} with most photos, of ${count(ranking.distinct)}; first ${top?.name} with ${count(top?.count ?? 0)}.`,
    draw: (width) => bars(first, width, fill),
    below: [
      note,
      folded(
        `Table: ${many}`,
        table_(),
        more > 0 && h("p", { class: "note" }, `These are the first ${count(ranking.entries.length)} of ${plural(ranking.distinct, noun, many)}.`),
      ),
    ],
  });

  function table_(): HTMLElement {
    return rankingTable(ranking, name, photos, isPerson ? personPage : undefined);
  }
}
