/** The time of upload as a strip that fills while the listing goes through it. */
import type { Timeline } from "./facts";
import { date, percent } from "./words";

const SVG = "http://www.w3.org/2000/svg";

export class Strip {
  readonly element = document.createElementNS(SVG, "svg");
  private known = "";

  constructor() {
    this.element.setAttribute("role", "img");
    this.element.setAttribute("class", "strip");
    this.element.setAttribute("preserveAspectRatio", "none");
  }

  write(timeline: Timeline): void {
    const now = JSON.stringify([timeline.since, timeline.until, timeline.read, timeline.again, timeline.lacking]);
    if (now === this.known) return;
    this.known = now;
    const slots = timeline.read.length;
    this.element.setAttribute("viewBox", `0 0 ${slots} 1`);
    const from = `${date(timeline.since)} to ${date(timeline.until)}`;
    this.element.setAttribute("aria-label", `Of the time of upload from ${from}, ${percent(timeline.share)} is read.`);
    const lacking = new Set(timeline.lacking);
    const kinds = { read: timeline.read, again: timeline.again, lacking: timeline.read.map((_, n) => Number(lacking.has(n))) };
    this.element.replaceChildren(...Object.entries(kinds).flatMap(([kind, shares]) => this.draw(kind, shares)));
  }

  /** A rectangle for each stretch of slots that are filled as far. */
  private draw(kind: string, shares: number[]): SVGRectElement[] {
    const begins = shares.flatMap((share, n) => (share === shares[n - 1] ? [] : [n]));
    return begins.flatMap((n, i) => {
      const share = shares[n] ?? 0;
      return share > 0 ? [this.rect(kind, n, (begins[i + 1] ?? shares.length) - n, share)] : [];
    });
  }

  private rect(kind: string, x: number, width: number, height: number): SVGRectElement {
    const rect = document.createElementNS(SVG, "rect");
    const place = { x, y: 1 - height, width, height, class: kind };
    for (const [key, value] of Object.entries(place)) rect.setAttribute(key, String(value));
    return rect;
  }
}
