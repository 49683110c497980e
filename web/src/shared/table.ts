/** Native tables that can be sorted, searched, and copied as CSV. */
import { type Child, foreign, h } from "./dom";
import { count } from "./format";

export type Value = string | number | null;

export interface Column<Row> {
  name: string;
  /** What the column is sorted, searched and copied by. */
  value: (row: Row) => Value;
  /** What is shown, where that is not the value. */
  show?: (row: Row) => Child;
}

export interface Options {
  /** What the table says, for who cannot see what it stands under. */
  caption: string;
  /** Rows from which on there is a field to search. */
  searchFrom?: number;
}

const FORMULA = /^[=+\-@\t\r\n]/;

export function table<Row>(rows: Row[], columns: Column<Row>[], { caption, searchFrom = 12 }: Options): HTMLElement {
  let order: { column: Column<Row>; down: boolean } | null = null;
  let wanted = "";
  const body = h("tbody");
  const said = h("p", { class: "said", role: "status" });
  const headings = columns.map((column) => heading(column));
  const grid = h(
    "table",
    {},
    h("caption", {}, caption),
    h("thead", {}, rowOf(headings.map(({ cell }) => cell))),
    body,
  );
  fill();
  return h(
    "div",
    { class: "table" },
    h("div", { class: "tools" }, rows.length >= searchFrom && searchField(), copyButton()),
    said,
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption }, grid),
  );

  function heading(column: Column<Row>): { cell: HTMLElement; column: Column<Row> } {
    const isNumber = rows.some((row) => typeof column.value(row) === "number");
    const button = h("button", { type: "button" }, column.name);
    const cell = h("th", { scope: "col", class: isNumber ? "number" : undefined }, button);
    button.addEventListener("click", () => {
      order = { column, down: order?.column === column ? !order.down : isNumber };
      for (const other of headings) other.cell.removeAttribute("aria-sort");
      cell.setAttribute("aria-sort", order.down ? "descending" : "ascending");
      fill();
    });
    return { cell, column };
  }

  function chosen(): Row[] {
    const found = wanted
      ? rows.filter((row) => columns.some((column) => String(column.value(row) ?? "").toLowerCase().includes(wanted)))
      : [...rows];
    if (order) {
      const { column, down } = order;
      found.sort((one, other) => compare(column.value(one), column.value(other)) * (down ? -1 : 1));
    }
    return found;
  }

  function fill(): void {
    body.replaceChildren(...chosen().map((row) => rowOf(columns.map((column, n) => cellOf(row, column, n)))));
  }

  function searchField(): HTMLElement {
    const field = h("input", { type: "search" });
    field.addEventListener("input", () => {
      wanted = field.value.trim().toLowerCase();
      fill();
      said.textContent = wanted ? `${count(body.rows.length)} of ${count(rows.length)} rows` : "";
    });
    return h("label", {}, "Search ", field);
  }

  function copyButton(): HTMLElement {
    const button = h("button", { type: "button" }, "Copy as CSV");
    button.addEventListener("click", () => {
      void copy(writeCsv(chosen(), columns)).then((done) => {
        said.textContent = done ? "Copied." : "This browser does not let a page copy.";
      });
    });
    return button;
  }
}

function cellOf<Row>(row: Row, column: Column<Row>, n: number): HTMLElement {
  const value = column.value(row);
  const shown = column.show ? column.show(row) : typeof value === "number" ? count(value) : value === null ? "–" : foreign(value);
  const number = typeof value === "number" ? "number" : undefined;
  return n === 0 ? h("th", { scope: "row", class: number }, shown) : h("td", { class: number }, shown);
}

const rowOf = (cells: HTMLElement[]): HTMLElement => h("tr", {}, ...cells);

function compare(one: Value, other: Value): number {
  if (typeof one === "number" && typeof other === "number") return one - other;
  if (one === null || other === null) return Number(other === null) - Number(one === null);
  return String(one).localeCompare(String(other), "en", { numeric: true });
}

/** RFC 4180; no text is a formula to a spreadsheet. */
export function writeCsv<Row>(rows: Row[], columns: Column<Row>[]): string {
  const lines = [columns.map(({ name }) => name), ...rows.map((row) => columns.map(({ value }) => value(row)))];
  return lines.map((cells) => cells.map(writeCell).join(",")).join("\r\n") + "\r\n";
}

function writeCell(value: Value): string {
  if (typeof value === "number") return String(value);
  const text = FORMULA.test(value ?? "") ? `'${value}` : (value ?? "");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = h("textarea", { "aria-hidden": "true", class: "hidden" });
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

/** A table that is folded away under what it belongs to. */
export function folded(summary: string, ...children: Child[]): HTMLElement {
  return h("details", {}, h("summary", {}, summary), ...children);
}
