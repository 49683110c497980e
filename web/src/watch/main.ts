/** The live page: facts come once a second over one stream, and each archive has its card. */
import { h } from "../shared/dom";
import { count } from "../shared/format";
import { Card } from "./card";
import { show, Table, write } from "./dom";
import type { Facts } from "./facts";
import { duration, percent, rate } from "./words";

const cards = new Map<number, Card>();
const list = h("main");
const state = h("p", { class: "quiet", role: "status" }, "Connecting …");
const overview = new Table("All archives", [["archive", "text"], ["state", "text"], ["photos", "number"], ["done", "number"], ["speed", "number"], ["to go", "number"]], "");
const all = h("section", { class: "overview", "aria-label": "Overview" }, overview.element);

function tellOverview({ archive, contents, run }: Facts): string[] {
  const known = run?.reading ?? contents.report;
  const photos = known?.photos ?? 0;
  const share = known?.expected ? percent(Math.min(photos / known.expected, 1)) : "";
  const reading = run?.reading;
  const speed = reading?.photos_per_second && !reading.wait ? rate(reading.photos_per_second) : "";
  const left = reading?.seconds_left ? duration(reading.seconds_left) : "";
  return [archive, run?.is_paused ? "paused" : (contents.report?.state ?? "not readable"), count(photos), share, speed, left];
}

function update(facts: Facts[]): void {
  for (const each of facts) {
    let card = cards.get(each.number);
    if (!card) {
      card = new Card(each);
      cards.set(each.number, card);
      list.append(card.element);
    }
    card.write(each);
  }
  show(all, facts.length > 1);
  overview.write(facts.map(tellOverview));
}

function listen(): void {
  const stream = new EventSource("events");
  stream.addEventListener("message", ({ data }) => {
    write(state, "Live: as it is at this second.");
    document.documentElement.dataset["live"] = "yes";
    update(JSON.parse(data as string) as Facts[]);
  });
  stream.addEventListener("error", () => {
    write(state, "Not connected: `harvester watch` has ended, or is not reached. What is shown is the last that was heard.");
    document.documentElement.dataset["live"] = "no";
    if (stream.readyState === EventSource.CLOSED) setTimeout(listen, 3000);
  });
}

document.head.append(h("link", { rel: "icon", href: "icon.svg" }));
document.body.append(h("header", {}, h("h1", {}, "harvester watch"), state), list);
list.append(all);
show(all, false);
listen();
