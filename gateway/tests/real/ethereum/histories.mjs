// What only real geths show of a chain's past. A full node forgets old states, an archive node does
// not, and a client asks the gateway without knowing which is which. And blocks are replaced by others.

import assert from "node:assert/strict";

import { check, plain, same } from "../check.mjs";
import { until } from "../node.mjs";
import { GWEI, KEPT, TELLTALE } from "./geth.mjs";

const OLD = [1, 5, 9];
/** Less than what is finalized. */
const DEPTH = 3;

/** `archive` is the one node behind the gateway that keeps every state. */
export async function oldStates(chain, pairs, archive) {
  while (chain.log.length < KEPT + 20) await chain.tick();
  const full = chain.nodes.filter((node) => node !== archive);
  await check("geth: a state that the full nodes have dropped comes from the archive node", async () => {
    for (const node of full) await assert.rejects(node.rpc("eth_getBalance", [TELLTALE, "0x9"]), /historical state \w+ is not available/);
    await Promise.all(pairs.map((pair) => balances(pair, OLD)));
    await Promise.all(pairs.map((pair) => same(pair, "get", chain.deployed)));
  });
  await check("geth: a state that all keep is the one of its height", async () => {
    const newest = chain.log.length;
    await Promise.all(pairs.map((pair) => balances(pair, [newest - 100, newest - 50, newest - 10])));
  });
  await chain.kill(archive);
  await check("geth: without the archive node an old state is an error, an old block is not", async () => {
    for (const { name, gateway } of pairs) {
      await assert.rejects(gateway.balance(TELLTALE, OLD[0]), /Resource not found/i, name);
    }
    // Blocks are kept by all.
    for (const pair of pairs) await same(pair, "block", OLD[0], true);
  });
  await chain.heal(archive);
}

/** Blocks that clients have just read are replaced: nothing of them may be served under their heights any more. */
export async function reorg(chain, pairs) {
  await check("geth: blocks that were replaced are not served any more", async () => {
    const from = chain.log.length - DEPTH + 1;
    const heights = Array.from({ length: DEPTH }, (_, i) => from + i);
    const readAll = (pair) => Promise.all(heights.map((height) => pair.gateway.block(height, false)));
    for (const pair of pairs) await readAll(pair);
    const replaced = await chain.reorg(DEPTH);
    assert.ok(replaced.every(({ hash }) => chain.log.every((block) => block.hash !== hash)), "all are other blocks now");
    for (const pair of pairs) {
      await until(`${pair.name} reads the new blocks`, 5_000, async () => (await readAll(pair)).every((block, i) => block.hash === chain.log[heights[i] - 1].hash));
      await balances(pair, heights);
      const latest = await pair.gateway.block("latest", false);
      assert.equal(latest.hash, chain.log[Number(latest.number) - 1].hash, `${pair.name}: the latest block is of the new fork`);
    }
  });
}

async function balances(pair, heights) {
  for (const height of heights) {
    const got = await same(pair, "balance", TELLTALE, height);
    assert.equal(BigInt(plain(got)), BigInt(height) * GWEI, `${pair.name} at ${height}`);
  }
}
