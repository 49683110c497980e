/** Charts on a canvas by uPlot, in the colours of the page. Each has a table beside it, since a canvas says nothing. */
import uPlot from "uplot";

import { h } from "../shared/dom";
import { count } from "../shared/format";

export type Data = [x: number[], ...y: (number | null)[][]];

export interface Form {
  label: string;
  /** Whether x is a moment in Unix time; else a number of seconds. */
  isTime: boolean;
  /** Distances that marks of the x axis may have, where x is no moment. */
  steps?: number[];
  isBars: boolean;
  height?: number;
  x?: (value: number) => string;
}

const dark = matchMedia("(prefers-color-scheme: dark)");
const minute = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const second = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

/** A colour of the page as a canvas takes it: what the variable comes to in this scheme. */
function colour(name: string, share = 1): string {
  const probe = h("span");
  probe.style.color = `color-mix(in srgb, var(${name}) ${share * 100}%, transparent)`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

export class Chart {
  readonly element: HTMLElement;
  private plot: uPlot | null = null;
  private data: Data = [[], []];

  constructor(private readonly form: Form) {
    this.element = h("div", { class: "chart", role: "img", "aria-label": form.label });
    new ResizeObserver(() => this.fit()).observe(this.element);
    dark.addEventListener("change", () => this.draw());
  }

  /** Show these points, and say in `label` what they come to. */
  write(data: Data, label: string): void {
    this.data = data;
    this.element.setAttribute("aria-label", label);
    if (this.plot) this.plot.setData(data);
    else this.draw();
  }

  private fit(): void {
    const width = this.element.clientWidth;
    if (!width) return;
    if (this.plot) this.plot.setSize({ width, height: this.form.height ?? 180 });
    else this.draw();
  }

  private draw(): void {
    this.plot?.destroy();
    this.plot = null;
    const width = this.element.clientWidth;
    if (!width || !this.data[0].length) return;
    const axis = { stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
    const font = `12px ${getComputedStyle(document.body).fontFamily}`;
    const { isTime, isBars, height = 180, x, steps } = this.form;
    const tell = (at: number, step: number): string => (x ? x(at) : (step < 60 ? second : minute).format(at * 1000));
    const bars = uPlot.paths.bars?.({ size: [0.9, 60], align: 1 });
    this.plot = new uPlot(
      {
        width,
        height,
        legend: { show: false },
        cursor: { show: false },
        scales: { x: { time: isTime }, y: { range: (_, __, most) => [0, Math.max(most * 1.05, 1)] } },
        axes: [
          { ...axis, font, size: 28, space: 70, values: (_, all, __, ___, step) => all.map((at) => tell(at, step)), ...(steps ? { incrs: steps } : {}) },
          { ...axis, font, size: 62, values: (_, all) => all.map((v) => (Number.isInteger(v) ? count(v) : "")) },
        ],
        series: [
          {},
          {
            stroke: colour("--one"),
            fill: isBars ? colour("--one") : colour("--one", 0.14),
            width: isBars ? 0 : 2,
            points: { show: false },
            ...(isBars && bars ? { paths: bars } : {}),
          },
        ],
      },
      this.data as uPlot.AlignedData,
      this.element,
    );
  }
}
