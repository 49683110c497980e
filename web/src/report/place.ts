/** Where photos were taken. */
import * as Plot from "@observablehq/plot";
import { feature } from "topojson-client";
import type { GeometryCollection, Topology } from "topojson-specification";
import atlas from "world-atlas/land-110m.json";
import { type Child, h } from "../shared/dom";
import { count, plural, share } from "../shared/format";
import { folded, table } from "../shared/table";
import { figure, TWO } from "./chart";
import type { Report } from "./data";
import { rankingTable } from "./ranking";

const world = atlas as unknown as Topology<{ land: GeometryCollection }>;
const land = feature(world, world.objects.land);

interface Cell {
  south: number;
  west: number;
  n: number;
}

export function placeSection({ cells: told, degrees, counts, countries }: Report): Child[] {
  if (told.length === 0) return [h("p", {}, "None of the photos has a place.")];
  const cells = told.map(([south, west, n]) => ({ south, west, n }));
  const box = closeUp(cells, degrees);
  const size = `${degrees}° × ${degrees}°`;
  const alt = `A map with a dot for each of ${plural(cells.length, "cell")} of ${size}, the larger the more photos were taken there.`;
  return [
    h("p", {}, `${plural(counts.placed, "photo")} (${share(counts.placed, counts.photos)}) ${counts.placed === 1 ? "has" : "have"} a place. A dot stands for a cell of ${size}, its area for the photos there.`),
    figure({ title: "The world", alt, draw: (width) => drawWorld(cells, degrees, width) }),
    box && figure({ title: "Where nearly all of them are", alt, draw: (width) => drawBox(cells, degrees, box, width) }),
    countries.entries.length > 0 && folded("Table: countries", rankingTable(countries, "Country", counts.photos)),
    folded(
      "Table: cells of the map",
      table(
        [...cells].sort((one, other) => other.n - one.n),
        [
          { name: "South edge", value: ({ south }) => south, show: ({ south }) => `${south}°` },
          { name: "West edge", value: ({ west }) => west, show: ({ west }) => `${west}°` },
          { name: "Photos", value: ({ n }) => n },
        ],
        { caption: `Photos by cell of ${size}` },
      ),
    ),
  ];
}

function marks(cells: Cell[], degrees: number, most: number): Plot.Markish[] {
  const places = cells.map(({ south, west, n }) => ({ x: west + degrees / 2, y: south + degrees / 2, n, told: `${count(n)} ${n === 1 ? "photo" : "photos"}\n${south}° to ${south + degrees}° N, ${west}° to ${west + degrees}° E` }));
  places.sort((one, other) => other.n - one.n);
  return [
    Plot.geo(land, { fill: "var(--land)" }),
    Plot.dot(places, { x: "x", y: "y", r: "n", fill: TWO, fillOpacity: 0.6, stroke: "var(--page)", strokeWidth: 0.5 }),
    Plot.tip(places, Plot.pointer({ x: "x", y: "y", title: "told", maxRadius: most })),
  ];
}

function drawWorld(cells: Cell[], degrees: number, width: number): Plot.PlotOptions {
  return {
    projection: { type: "equal-earth" },
    height: Math.round(width * 0.49),
    margin: 2,
    r: { range: [0, Math.max(width / 60, 7)] },
    marks: [Plot.sphere({ fill: "var(--sea)" }), ...marks(cells, degrees, 20)],
  };
}

type Box = [west: number, south: number, east: number, north: number];

/** A box around nearly all photos, where that is a small part of the world. */
function closeUp(cells: Cell[], degrees: number): Box | null {
  const [west, east] = middle(cells.map(({ west, n }) => [west, n]));
  const [south, north] = middle(cells.map(({ south, n }) => [south, n]));
  const room = Math.max((14 - (east - west)) / 2, (8 - (north - south)) / 2, 2);
  const box: Box = [west - room, Math.max(south - room, -88), east + degrees + room, Math.min(north + degrees + room, 88)];
  return box[2] - box[0] <= 75 && box[3] - box[1] <= 45 ? box : null;
}

/** From where to where 98 % lie. */
function middle(values: [number, number][]): [number, number] {
  const sorted = [...values].sort(([one], [other]) => one - other);
  const total = sorted.reduce((sum, [, n]) => sum + n, 0);
  const edge = (entries: [number, number][]): number => {
    let before = 0;
    for (const [at, n] of entries) if ((before += n) > total * 0.01) return at;
    return entries[0]?.[0] ?? 0;
  };
  return [edge(sorted), edge([...sorted].reverse())];
}

function drawBox(cells: Cell[], degrees: number, [west, south, east, north]: Box, width: number): Plot.PlotOptions {
  const domain = { type: "MultiPoint", coordinates: [[west, south], [east, north]] } as const;
  return {
    projection: { type: "mercator", domain },
    height: Math.round(Math.min(width * 0.6, 480)),
    margin: 2,
    r: { range: [0, Math.max(width / 40, 10)] },
    marks: [Plot.frame({ fill: "var(--sea)", stroke: null }), ...marks(cells, degrees, 30)],
    clip: true,
  } as Plot.PlotOptions;
}
