/** What the photos are: media, sizes, cameras, and how much they are looked at. */
import { type Child, foreign, h, link, personPage, photoPage } from "../shared/dom";
import { count, plural, share } from "../shared/format";
import { folded, table } from "../shared/table";
import { bars, figure, ONE } from "./chart";
import type { Report, Viewed } from "./data";
import { rankingFigure, rankingTable } from "./ranking";

export function pictureSection(report: Report): Child[] {
  const { counts, pixels, formats, largest, shapes } = report;
  const known = pixels.filter(([size]) => size >= 0);
  const videos = counts.videos;
  const told = Object.entries(shapes).map(([name, n]) => `${share(n, sum(known))} ${name}`).join(", ");
  return [
    h("p", {}, `${plural(counts.photos - videos, "photo")} and ${plural(videos, "video")}. `, told && `Of the pictures whose sides are known, ${told}.`),
    known.length > 0 && megapixels(known),
    largest.entries.length > 0 && folded("Table: the largest size that may be had", rankingTable(largest, "Size", counts.photos)),
    formats.entries.length > 0 && folded("Table: formats of the originals", rankingTable(formats, "Format", counts.photos)),
  ];
}

const sum = (entries: [number, number][]): number => entries.reduce((all, [, n]) => all + n, 0);

function megapixels(known: [number, number][]): HTMLElement {
  const steps = [0, 1, 2, 4, 8, 12, 16, 24, 36, 50, 100];
  const rows = steps
    .map((from, n) => {
      const to = steps[n + 1] ?? Infinity;
      return { name: to === Infinity ? `${from} and more` : `${from} to ${to}`, count: sum(known.filter(([size]) => size >= from && size < to)) };
    })
    .filter((row, n, all) => row.count > 0 || (all.slice(n).some(({ count }) => count) && all.slice(0, n).some(({ count }) => count)));
  return figure({
    title: "Megapixels of the largest picture that may be had",
    alt: `Bars: pictures by megapixels, from ${rows[0]?.name} to ${rows.at(-1)?.name}.`,
    draw: (width) => bars(rows, width, ONE),
    below: [
      folded(
        "Table: megapixels",
        table(
          known,
          [
            { name: "Megapixels", value: ([size]) => size, show: ([size]) => `${size} to ${size + 1}` },
            { name: "Photos", value: ([, n]) => n },
          ],
          { caption: "Pictures by whole megapixels" },
        ),
      ),
    ],
  });
}

export function cameraSection({ counts, cameras, lenses }: Report): Child[] {
  if (!counts.with_exif) return [h("p", {}, "No photo's EXIF was harvested. ", h("code", {}, "--with exif"), " asks for it, at a call for each photo.")];
  return [
    h("p", {}, `EXIF is there of ${plural(counts.with_exif, "photo")} (${share(counts.with_exif, counts.photos)}).`),
    cameras.entries.length > 0 && rankingFigure(cameras, counts.photos, { title: "Cameras", noun: "camera", many: "cameras", name: "Camera" }),
    lenses.entries.length > 0
      ? rankingFigure(lenses, counts.photos, { title: "Lenses", noun: "lens", many: "lenses", name: "Lens" })
      : h("p", { class: "note" }, "None of it names a lens."),
  ];
}

export function peopleSection({ counts, owners, albums, is_anonymous }: Report): Child[] {
  return [
    owners.entries.length > 0
      ? rankingFigure(owners, counts.photos, { title: plural(owners.distinct, "owner"), noun: "owner", many: "owners", name: "Owner", isPerson: !is_anonymous })
      : h("p", {}, "No photo names its owner."),
    albums.entries.length > 0
      ? rankingFigure(albums, counts.photos, { title: plural(albums.distinct, "album"), noun: "album", many: "albums", name: "Album" })
      : h("p", { class: "note" }, "Nothing tells of albums: they come with an account, and with ", h("code", {}, "--with contexts"), "."),
  ];
}

export function viewSection(report: Report): Child[] {
  const { counts, views, viewed, has_pictures } = report;
  if (!counts.viewed) return [h("p", {}, "Of none of the photos it is known how often it was looked at.")];
  const rows = views.map(([digits, n]) => ({ name: digits === 0 ? "none" : digits === 1 ? "1 to 9" : `${count(10 ** (digits - 1))} to ${count(10 ** digits - 1)}`, count: n }));
  return [
    h("p", {}, `${plural(counts.views, "view")} of ${plural(counts.viewed, "photo")}, ${count(Math.round(counts.views / counts.viewed))} on average; ${plural(counts.faves, "fave")} and ${plural(counts.comments, "comment")}.`),
    figure({
      title: "Photos by views",
      alt: `Bars: photos by how often they were looked at, in powers of ten.`,
      draw: (width) => bars(rows, width, ONE),
      below: [
        folded("Table: photos by views", table(rows, [{ name: "Views", value: ({ name }) => name }, { name: "Photos", value: ({ count: n }) => n }], { caption: "Photos by views" })),
      ],
    }),
    has_pictures && gallery(viewed),
    viewed.length > 0 && folded("Table: most viewed", viewedTable(viewed)),
  ];
}

function viewedTable(viewed: Viewed[]): HTMLElement {
  return table(
    viewed,
    [
      { name: "Title", value: ({ title }) => title, show: ({ title, owner, id }) => link(title || "(no title)", photoPage(owner, id)) },
      { name: "Owner", value: ({ author }) => author, show: ({ author, owner }) => link(author || owner, personPage(owner)) },
      { name: "Views", value: ({ views }) => views },
    ],
    { caption: "The photos that are looked at most" },
  );
}

const PICTURE = /^https:\/\/(?:live|farm\d{1,3})\.staticflickr\.com\/[\w./-]{1,150}$/;

function gallery(viewed: Viewed[]): HTMLElement {
  const shown = viewed.filter(({ picture }) => PICTURE.test(picture)).slice(0, 24);
  return h(
    "figure",
    {},
    h("figcaption", {}, h("h3", {}, "Most viewed")),
    h(
      "ul",
      { class: "gallery" },
      ...shown.map(({ picture, title, owner, id, author, views }) => {
        const image = h("img", { src: picture, alt: title || "(no title)", loading: "lazy", referrerpolicy: "no-referrer" });
        const page = photoPage(owner, id);
        return h("li", {}, page ? h("a", { href: page, rel: "noreferrer noopener" }, image) : image, h("p", {}, foreign(author), ` · ${count(views)}`));
      }),
    ),
  );
}
