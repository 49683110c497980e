import * as Plot from "@observablehq/plot";
import { geoEqualEarth } from "d3-geo";
import { feature } from "topojson-client";
import type { GeometryCollection, Topology } from "topojson-specification";
import atlas from "world-atlas/land-110m.json";

const world = atlas as unknown as Topology<{ land: GeometryCollection }>;
document.body.append(Plot.plot({ projection: geoEqualEarth, marks: [Plot.geo(feature(world, world.objects.land)), Plot.barY([]), Plot.rectY([]), Plot.barX([]), Plot.cell([]), Plot.lineY([]), Plot.areaY([])] }));
