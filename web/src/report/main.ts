/** The page of `harvester report`. */
import { type Child, foreign, h } from "../shared/dom";
import { count, month, moment, share } from "../shared/format";
import { changeSection, completeSection, stateOf, tellState } from "./complete";
import type { Report } from "./data";
import { licenseSection, split } from "./license";
import { cameraSection, peopleSection, pictureSection, viewSection } from "./picture";
import { placeSection } from "./place";
import { tagSection } from "./tags";
import { timeSection } from "./time";

const report = JSON.parse(document.getElementById("data")?.textContent ?? "{}") as Report;

const SECTIONS: [id: string, title: string, draw: (report: Report) => Child[]][] = [
  ["complete", "What was asked, and how complete it is", completeSection],
  ["time", "When", timeSection],
  ["place", "Where", placeSection],
  ["tags", "Tags", tagSection],
  ["licences", "Licences and reuse", licenseSection],
  ["people", "Owners and albums", peopleSection],
  ["pictures", "Media and sizes", pictureSection],
  ["cameras", "Cameras and lenses", cameraSection],
  ["views", "Views", viewSection],
  ["changes", "Changes", changeSection],
];

const isEmpty = report.counts.photos === 0;
const shown = isEmpty ? SECTIONS.filter(([id]) => id === "complete" || id === "changes") : SECTIONS;

const shortMonth = (text: string): string => month(text).replace(/^([A-Za-z]{3})[a-z]* /, "$1\u00a0");

function period(): string {
  const months = report.uploaded.months.map(([text]) => text);
  const [first, last] = [months[0], months.at(-1)];
  if (!first || !last) return "not known";
  return first === last ? shortMonth(first) : `${shortMonth(first)} – ${shortMonth(last)}`;
}

/** Of a harvest with a limit, all that was asked is there, and Flickr has more. */
const tellThere = (state: string, hasMore: boolean): string => (state === "complete" && hasMore ? "All that was asked" : tellState(state));

function summary(): HTMLElement {
  const { archives, counts, owners, licenses } = report;
  const claims = archives.map(({ claimed }) => claimed);
  const claimed = claims.every((claim) => claim !== null) ? claims.reduce<number>((sum, claim) => sum + (claim ?? 0), 0) : null;
  const there = archives.reduce((sum, { photos, claimed: claim }) => sum + Math.min(photos, claim ?? photos), 0);
  const missing = archives.reduce((sum, { failed }) => sum + failed, 0);
  const state = stateOf(archives);
  const tiles: [string, string, Child][] = [
    ["Photos", count(counts.photos), counts.videos > 0 && `${count(counts.videos)} of them videos`],
    ["Completeness", claimed === null || !claimed ? tellState(state) : share(there, claimed), claimed === null ? "Flickr tells no number" : `${tellThere(state, there < claimed)}; Flickr claims ${count(claimed)}`],
    ["Uploaded", period(), null],
    ["Owners", count(owners.distinct), null],
  ];
  if (missing) tiles.push(["Not to be had so far", count(missing), null]);
  return h(
    "div",
    { class: "summary" },
    h("dl", { class: "tiles" }, ...tiles.map(([name, value, more]) => h("div", {}, h("dt", {}, name), h("dd", {}, h("strong", {}, value), more ? h("span", {}, more) : null)))),
    counts.photos > 0 && split(licenses, counts.photos),
  );
}

function header(): HTMLElement {
  return h(
    "header",
    {},
    h("p", { class: "kicker" }, "Report of an archive of Flickr's metadata"),
    h("h1", {}, foreign(report.archives.map(({ name }) => name).join(", "))),
    summary(),
    h("nav", { "aria-label": "Sections" }, h("ul", {}, ...shown.map(([id, title]) => h("li", {}, h("a", { href: `#${id}` }, title))))),
  );
}

function footer(): HTMLElement {
  const [first, last] = report.harvested;
  return h(
    "footer",
    {},
    first !== "" && h("p", {}, `The photos were fetched from ${moment(first)} to ${moment(last)}.`),
    h("p", {}, `Made by harvester ${report.version} on ${moment(report.made)}. Uploads are counted in UTC; when photos were taken is counted by their owners' clocks, as exactly as these say.`),
    report.is_anonymous && h("p", {}, "Names of people, albums, photos and folders are left out. Tags are as they were written."),
    h("p", {}, report.has_pictures ? "The pictures are loaded from Flickr; nothing else is loaded from anywhere." : "This page holds all that it shows, and loads nothing from anywhere."),
  );
}

function section([id, title, draw]: (typeof SECTIONS)[number]): HTMLElement {
  return h("section", { id, "aria-labelledby": `${id}-title` }, h("h2", { id: `${id}-title` }, title), ...draw(report));
}

document.body.append(
  h("a", { class: "skip", href: "#main" }, "To the content"),
  header(),
  h("main", { id: "main" }, isEmpty && h("p", {}, "There is no photo in it so far."), ...shown.map(section)),
  footer(),
);
