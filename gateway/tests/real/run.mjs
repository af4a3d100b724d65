// Real nodes and real clients against `headrace run`, one chain family after the other: a folder each,
// whose main.mjs starts nodes, puts the gateway in front of them, and breaks nodes while clients work.
//
//   scripts/real.sh [--family NAME]… [--direct] [--nodes geth]
//
// `--family` picks families, by default all run. With `--direct` the clients use a node itself and nothing
// is broken: this checks the checks. `--nodes geth` has Ethereum run on geths, which GETH_BIN names,
// instead of anvils. Exit code 0 only if every check passed.

import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { parseArgs } from "node:util";

import { check, describe, tally } from "./check.mjs";

const FAMILIES = ["ethereum", "substrate", "near", "icon"];

const { values: options } = parseArgs({
  options: { family: { type: "string", multiple: true, default: FAMILIES }, direct: { type: "boolean" }, nodes: { type: "string", default: "anvil" } },
});

/** What to stop at the end of a family, whatever happens, last started first. */
const started = [];

/** What a family gets: its options, and a place to say what is to be stopped. */
const run = {
  direct: options.direct,
  nodes: options.nodes,
  atTheEnd: (stop) => started.push(stop),
  /** A gateway is stopped at the end, and its files go where nothing failed. */
  owns(gateway) {
    const failures = tally.failed;
    started.push(() => {
      // Its log is what explains a failure.
      if (tally.failed === failures && !process.env.KEEP) rmSync(gateway.folder, { recursive: true });
      else console.log(`the config and logs of a gateway are in ${gateway.folder}`);
    });
    started.push(() => gateway.stop());
    return gateway;
  },
};

async function family(name) {
  const { main, patience } = await import(`./${name}/main.mjs`);
  const limit = setTimeout(() => giveUp(`${name} is not done after ${patience(run) / 1000} s`), patience(run));
  const begun = Date.now();
  await check(`${name}: the run comes to its end`, async () => {
    await main(run);
    return `${Math.round((Date.now() - begun) / 1000)} s`;
  });
  await stopAll();
  clearTimeout(limit);
}

async function stopAll() {
  for (const stop of started.splice(0).reverse()) await Promise.resolve().then(stop).catch((error) => console.log(`while stopping: ${describe(error)}`));
}

async function giveUp(why) {
  console.log(`FAILED  ${why}`);
  tally.failed += 1;
  await stopAll();
  finish();
}

function finish() {
  console.log(`${tally.passed} passed, ${tally.failed} failed`);
  process.exit(tally.failed === 0 && tally.passed > 0 ? 0 : 1);
}

for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => giveUp(`stopped by ${signal}`));

for (const name of options.family) {
  assert.ok(FAMILIES.includes(name), `--family ${name}: ${FAMILIES.join(", ")}`);
  await family(name);
}
finish();
