/** Numbers and dates as people read them. */

const NUMBER = new Intl.NumberFormat("en");
const SHORT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
export const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

export const count = (n: number): string => NUMBER.format(n);
export const short = (n: number): string => SHORT.format(n);
export const plural = (n: number, noun: string, many = `${noun}s`): string => `${count(n)} ${n === 1 ? noun : many}`;

/** A share that never says 0 % or 100 % of what is neither nothing nor all. */
export function share(part: number, whole: number): string {
  if (!whole) return "–";
  const percent = (100 * part) / whole;
  if (part > 0 && percent < 0.1) return "< 0.1\u00a0%";
  if (part < whole && percent > 99.9) return "> 99.9\u00a0%";
  return `${percent < 10 || (percent > 99 && part < whole) ? percent.toFixed(1).replace(/\.0$/, "") : Math.round(percent)}\u00a0%`;
}

/** `2009-12` as `December 2009`; a year as it is. */
export function month(text: string): string {
  const name = MONTHS[Number(text.slice(5, 7)) - 1];
  return name ? `${name} ${text.slice(0, 4)}` : text;
}

/** `2026-11-27T15:10:48Z` as `27 November 2026, 15:10 UTC`; what is none, as it is. */
export function moment(text: string | null): string {
  const found = /^(\d{4})-(\d\d)-(\d\d)T(\d\d:\d\d)/.exec(text ?? "");
  if (!found) return text ?? "–";
  return `${Number(found[3])} ${MONTHS[Number(found[2]) - 1] ?? found[2]} ${found[1]}, ${found[4]} UTC`;
}

export function day(text: string): string {
  return moment(text).replace(/, .*/, "");
}

export function bytes(n: number): string {
  for (const [size, unit] of [[1e9, "GB"], [1e6, "MB"], [1e3, "kB"]] as const) {
    if (n >= size) return `${(n / size).toFixed(n >= 100 * size ? 0 : 1)} ${unit}`;
  }
  return `${n} bytes`;
}

export function cut(text: string, most: number): string {
  const letters = [...text];
  return letters.length > most ? `${letters.slice(0, most - 1).join("")}…` : text;
}
