// Three chopsticks with the runtime of a real parachain behind `headrace run`, used by @polkadot/api and
// by substrate-interface over HTTP, while one is killed and one is left behind: the clients must not notice.

import assert from "node:assert/strict";

import { Chain } from "../chain.mjs";
import { LIMITED_SUBSTRATE, retries } from "../retries.mjs";
import { Gateway } from "../gateway.mjs";
import { Python } from "../python.mjs";
import { unnoticed } from "../watch.mjs";
import { Chopsticks, GENESIS } from "./chopsticks.mjs";
import { polkadotjs, polkadotjsDefault } from "./polkadotjs.mjs";
import { quirks, wrongHash } from "./quirks.mjs";
import { tour } from "./tour.mjs";
import { SubstrateWatch } from "./watch.mjs";

export const patience = () => 300_000;

const BLOCK_MS = 2000;
/** Blocks that each fault lasts. */
const FAULT_BLOCKS = 3;
const CHAIN = { name: "dot", family: "substrate", identity: GENESIS, block_time: "2s" };

/** Public development accounts; every client writes with one of its own. */
const ALICE = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
const BOB = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty";
const PYTHON_OPS = "genesis chainName version metadata head header finalized hashAt block balance blockNumber events nonce sign publish methods call".split(" ");

export async function main(run) {
  const chain = await startNodes(run);
  const gateway = run.direct ? null : run.owns(await Gateway.start(CHAIN, chain.all, "near"));
  const url = gateway?.url ?? chain.reference.url;
  await chain.blocks(3);
  const pairs = await startClients(run, url, chain.reference.url);
  await Promise.all(pairs.map((pair, i) => tour(pair, chain, [ALICE, BOB][i])));
  await quirks(url, chain, pairs, run.direct);
  if (!run.direct) {
    await faults(chain, pairs);
    await retries(url, { "@polkadot/api": polkadotjsDefault }, LIMITED_SUBSTRATE);
  }
  await wrongHash(url, chain);
}

/** The reference is the one node that nothing befalls; it is behind the gateway like the others. */
async function startNodes(run) {
  const nodes = [];
  for (const name of ["chop-1", "chop-2", "chop-3"]) nodes.push(Object.assign(await Chopsticks.on(name, "near"), { endowed: [ALICE, BOB] }));
  // Block 1 is made as a node starts.
  const chain = new Chain(nodes[0], nodes.slice(1), 1);
  run.atTheEnd(() => Promise.all(chain.all.map((node) => node.discard())));
  await Promise.all(chain.all.map((node) => node.start()));
  run.atTheEnd(chain.run(BLOCK_MS));
  return chain;
}

async function startClients(run, url, reference) {
  const python = new Python("substrate", "substrate_client.py", { seed: "//Bob" });
  run.atTheEnd(() => python.close());
  const js = { name: "@polkadot/api", gateway: await polkadotjs(url, { seed: "//Alice" }), reference: await polkadotjs(reference, { seed: "//Alice" }) };
  run.atTheEnd(() => Promise.all([js.gateway.close(), js.reference.close()]));
  return [js, { name: "substrate-interface", gateway: python.client(url, PYTHON_OPS), reference: python.client(reference, PYTHON_OPS) }];
}

/** Both faults come one after the other, then at once; what is dead stays so, as starting again takes its time. */
async function faults(chain, pairs) {
  const [second, third] = chain.nodes;
  const watches = pairs.map((pair, i) => new SubstrateWatch(pair, chain, [ALICE, BOB][i]));
  const phases = [
    ["nothing is broken", []],
    ["a node is left behind", [() => chain.leaveBehind(third)]],
    ["it comes back, and another is killed", [() => chain.heal(third), () => chain.kill(second)]],
    ["one is dead, one left behind", [() => chain.leaveBehind(third)]],
  ];
  for (const [name, steps] of phases) {
    await unnoticed(name, watches, async () => {
      for (const step of steps) await step();
      await chain.blocks(FAULT_BLOCKS);
    });
  }
  await Promise.all(watches.map((watch) => watch.stop()));
  for (const { name, calls, writes } of watches) {
    console.log(`        ${name}: ${calls} calls, ${writes} extrinsics`);
    assert.ok(writes > 0, `${name} has written nothing`);
  }
}
