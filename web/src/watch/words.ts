/** Numbers, lengths and moments as people read them; the same words as the terminal's. */
import { count } from "../shared/format";

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

export const percent = (share: number): string => `${Math.floor(share * 100)} %`;

/** `4.2 s`, `12 s`, `4 min 5 s`, `2 h 13 min`, `3 d 4 h`. */
export function duration(seconds: number): string {
  if (seconds < 9.95) return seconds < 0.05 ? "0 s" : `${seconds.toFixed(1)} s`;
  const units: [string, number, string, number][] = [
    ["min", 60, "s", 1],
    ["h", 3600, "min", 60],
    ["d", 86400, "h", 3600],
  ];
  for (const [unit, size, smaller, part] of units) {
    const whole = Math.round(seconds / part) * part;
    if (whole < size) return `${whole} s`;
    if (whole < size * (unit === "min" ? 60 : unit === "h" ? 24 : Infinity)) {
      const rest = Math.floor((whole % size) / part);
      const large = `${count(Math.floor(whole / size))} ${unit}`;
      return rest ? `${large} ${rest} ${smaller}` : large;
    }
  }
  return "very long";
}

/** `2.4 photos/s`, or by the minute or hour where that says more. */
export function rate(perSecond: number): string {
  for (const [factor, unit] of [[1, "s"], [60, "min"], [3600, "h"]] as const) {
    const value = perSecond * factor;
    if (value >= 1 || unit === "h") return `${value >= 100 ? count(Math.round(value)) : value.toFixed(1)} photos/${unit}`;
  }
  return "";
}

/** The local time of a moment: of today with seconds, of another day with its date. */
export function moment(seconds: number, now: number): string {
  const when = new Date(seconds * 1000);
  return when.toDateString() === new Date(now * 1000).toDateString() ? clock.format(when) : day.format(when);
}

export const date = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 10);
