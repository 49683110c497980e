/** Charts that are drawn to the width there is, each with a text for who cannot see it, and with its table. */
import * as Plot from "@observablehq/plot";
import { type Child, h } from "../shared/dom";

export const ONE = "var(--one)";
export const TWO = "var(--two)";

export interface Figure {
  title: string;
  /** What the chart shows, in a sentence. */
  alt: string;
  draw: (width: number) => Plot.PlotOptions;
  /** What stands under the chart: a note, a folded table. */
  below?: Child[];
}

export function figure({ title, alt, draw, below = [] }: Figure): HTMLElement {
  const holder = h("div", { class: "chart" });
  let drawn = 0;
  new ResizeObserver(() => {
    const width = Math.floor(holder.clientWidth);
    if (width > 0 && Math.abs(width - drawn) >= 8) holder.replaceChildren(render(draw((drawn = width)), width, alt));
  }).observe(holder);
  return h("figure", {}, h("figcaption", {}, h("h3", {}, title)), holder, ...below);
}

function render(options: Plot.PlotOptions, width: number, alt: string): Element {
  const drawn = Plot.plot({ ...options, width, style: { fontSize: "12px", fontFamily: "inherit" } });
  // The chart is one picture with one text: Plot's own names of its groups say "rect" and "text".
  for (const group of drawn.querySelectorAll("[aria-label]")) group.removeAttribute("aria-label");
  drawn.setAttribute("role", "img");
  drawn.setAttribute("aria-label", alt);
  return drawn;
}

/** Room on the left for names, as much as the longest needs, and never more than a third of the width. */
export function roomFor(names: string[], width: number): { left: number; letters: number } {
  const letters = Math.min(Math.max(...names.map((name) => [...name].length), 4), Math.floor(width / 3 / 7));
  return { left: letters * 7 + 12, letters };
}

/** Ticks of an axis that counts up to so many: none stands between two whole numbers. */
export const ticksTo = (most: number): number => Math.min(Math.max(most, 1), 4);

/** Bars from left to right, each with its count at its end. */
export function bars(entries: { name: string; count: number }[], width: number, fill = ONE): Plot.PlotOptions {
  const { left, letters } = roomFor(entries.map(({ name }) => name), width);
  const shown = entries.map(({ name, count }, n) => ({ n, name, count }));
  return {
    height: entries.length * 24 + 10,
    marginLeft: left,
    marginRight: 62,
    marginTop: 4,
    marginBottom: 4,
    x: { axis: null, domain: [0, Math.max(...entries.map(({ count }) => count), 1)] },
    y: { axis: null, domain: shown.map(({ n }) => n), padding: 0.25 },
    marks: [
      Plot.barX(shown, { x: "count", y: "n", fill }),
      Plot.text(shown, {
        x: 0,
        y: "n",
        text: ({ name }) => cutTo(name, letters),
        textAnchor: "end",
        dx: -8,
        fill: "currentColor",
      }),
      Plot.text(shown, {
        x: "count",
        y: "n",
        text: ({ count }) => count.toLocaleString("en"),
        textAnchor: "start",
        dx: 6,
        fill: "var(--muted)",
      }),
      Plot.ruleX([0], { stroke: "var(--line)" }),
    ],
  };
}

export function cutTo(name: string, letters: number): string {
  const all = [...name];
  return all.length > letters ? `${all.slice(0, Math.max(letters - 1, 1)).join("")}…` : name;
}
