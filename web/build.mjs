// Bundles each page, src/NAME/main.ts with src/NAME/style.css, into harvester/web/bundles/: NAME.js, NAME.css, and the
// licences of every package that is in them, NAME.licenses.txt. With --check nothing is written: what is there is
// compared with what would be, byte for byte.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const HERE = import.meta.dirname;
const OUTPUT = join(HERE, "..", "harvester", "web", "bundles");

/** Plot puts a style element into each chart, which no policy with hashes allows: its rules stand in page.css. */
const withoutStyleElements = {
  name: "without-style-elements",
  setup({ onLoad }) {
    onLoad({ filter: /plot\/src\/plot\.js$/ }, ({ path }) => {
      const text = readFileSync(path, "utf8");
      const contents = text.replace(/svg\.append\("style"\)\.text\(\s*`[^`]*`\s*\)/, "svg");
      if (contents === text) throw new Error(`${path} puts no style element into charts any more`);
      return { contents, loader: "js" };
    });
  },
};

/** The files of a page, by name. */
async function bundle(name) {
  const { outputFiles, metafile } = await build({
    absWorkingDir: HERE,
    entryPoints: [`src/${name}/main.ts`, `src/${name}/style.css`],
    outdir: "out",
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: "iife",
    target: "es2022",
    charset: "ascii",
    legalComments: "none",
    logLevel: "warning",
    plugins: [withoutStyleElements],
  });
  const [script, style] = ["js", "css"].map((kind) => outputFiles.find(({ path }) => path.endsWith(`.${kind}`)).text);
  return { [`${name}.js`]: script, [`${name}.css`]: style, [`${name}.licenses.txt`]: tellLicenses(metafile) };
}

/** The licence of each package of which something is in the bundles. */
function tellLicenses({ outputs }) {
  const used = Object.values(outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).filter(([, { bytesInOutput }]) => bytesInOutput).map(([path]) => path),
  );
  const names = new Set(used.map((path) => path.match(/^node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[1]).filter(Boolean));
  return [...names].sort().map(tellLicense).join(`\n${"-".repeat(80)}\n\n`);
}

function tellLicense(name) {
  const folder = join(HERE, "node_modules", name);
  const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
  if (!file) throw new Error(`${name} has no file with its licence`);
  return `${name} ${version} (${license})\n\n${readFileSync(join(folder, file), "utf8").trim()}\n`;
}

function settle(file, text) {
  const path = join(OUTPUT, file);
  if (!isCheck) return writeFileSync(path, text);
  if (existsSync(path) && readFileSync(path, "utf8") === text) return;
  console.error(`harvester/web/bundles/${file} is not what its sources make: run make vendor, and commit it.`);
  differing += 1;
}

const names = readdirSync(join(HERE, "src")).filter((name) => existsSync(join(HERE, "src", name, "main.ts")));
const isCheck = process.argv.includes("--check");
let differing = 0;
mkdirSync(OUTPUT, { recursive: true });
for (const name of names.sort()) {
  for (const [file, text] of Object.entries(await bundle(name))) settle(file, text);
}
process.exitCode = differing ? 1 : 0;
