/** Parts of the page that change while one looks at them. */
import { type Child, h } from "../shared/dom";

/** Of a column: `short` is broken nowhere, and so is a number, which is flush right. */
type Kind = "text" | "short" | "number";

/** Set a text where it differs, so that selections and screen readers are left in peace. */
export function write(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

export function show(element: HTMLElement, isShown: boolean): void {
  if (element.hidden === isShown) element.hidden = !isShown;
}

/** A table whose rows are written anew only where they have changed. Columns with numbers are flush right. */
export class Table {
  readonly element: HTMLElement;
  private readonly body = h("tbody");
  private readonly empty: HTMLElement;
  private readonly table: HTMLTableElement;
  private known = "";

  /** A `caption` that the heading above says already is for screen readers alone: `isTold`. */
  constructor(caption: string, private readonly heads: [head: string, kind: Kind][], nothing: string, isTold = false) {
    const head = h("tr", {}, ...heads.map(([text, kind]) => h("th", { scope: "col", class: kind }, text)));
    this.table = h("table", {}, h("caption", isTold ? { class: "unseen" } : {}, caption), h("thead", {}, head), this.body);
    this.empty = h("p", { class: "quiet" }, nothing);
    this.element = h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": caption }, this.table, this.empty);
  }

  write(rows: string[][]): void {
    const now = JSON.stringify(rows);
    if (now === this.known) return;
    this.known = now;
    show(this.table, rows.length > 0);
    show(this.empty, rows.length === 0);
    this.body.replaceChildren(...rows.map((row) => this.row(row)));
  }

  private row(cells: string[]): HTMLElement {
    const row = h("tr");
    cells.forEach((text, n) => {
      const kind = this.heads[n]?.[1] ?? "text";
      row.append(n === 0 ? h("th", { scope: "row", class: kind }, text) : h("td", { class: kind, dir: "auto" }, text));
    });
    return row;
  }
}

/** A part of an archive's card: a heading, what is drawn, and the same as a table behind a word. */
export function panel(title: string, ...children: Child[]): HTMLElement {
  return h("section", { class: "panel" }, h("h3", {}, title), ...children);
}

export function numbers(table: Table): HTMLElement {
  return h("details", {}, h("summary", {}, "Numbers"), table.element);
}
