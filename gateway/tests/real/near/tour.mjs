// What one client can do with an endpoint, once each, while nothing is broken. `pair` is the same client
// twice: through the gateway, and directly at the node that keeps everything.

import assert from "node:assert/strict";

import { check, same } from "../check.mjs";
import { until } from "../node.mjs";

/** A simulated contract that answers every call with the height of the block. */
const HEIGHT = "height.sim";
/** Long since collected by all nodes but one. */
const OLD = 500;

export async function tour(pair, near) {
  const { name, gateway } = pair;
  const { height } = await gateway.block("final");
  const { hash } = await pair.reference.block(height);
  await check(`${name}: the chain is named`, async () => assert.equal(await gateway.chain(), near.chain));
  await check(`${name}: blocks by height, by hash and by finality are the chain's own`, async () => {
    assert.equal((await same(pair, "block", height)).hash, hash);
    assert.equal((await same(pair, "block", hash)).height, height);
    await newest(pair);
  });
  await check(`${name}: accounts, contracts and gas prices at a block are that block's`, async () => {
    for (const at of [height, hash]) {
      await same(pair, "amount", "alice.sim", at);
      assert.equal(await same(pair, "call", HEIGHT, "get", at), height);
      await same(pair, "gasPrice", at);
    }
  });
  await check(`${name}: accounts and contracts are read as they are now`, async () => {
    for (const finality of ["optimistic", "final"]) {
      assert.ok(BigInt(await gateway.amount("alice.sim", finality)) > 0n);
      assert.ok((await gateway.call(HEIGHT, "get", finality)) >= height);
    }
    assert.ok(BigInt(await gateway.gasPrice(null)) > 0n);
  });
  await check(`${name}: access keys and validators are the node's`, async () => {
    assert.equal((await same(pair, "keys", "alice.sim")).length, 1);
    assert.ok((await same(pair, "validators")).length > 0);
  });
  await check(`${name}: a skipped height is told as one, below and above the window of most nodes`, () => skipped(pair, near, height));
  await check(`${name}: a block, a state and a gas price that most nodes have collected come from the archive`, async () => {
    const at = near.standing(OLD);
    await same(pair, "block", at);
    await same(pair, "amount", "alice.sim", at);
    assert.equal(await same(pair, "call", HEIGHT, "get", at), at);
    await same(pair, "gasPrice", at);
  });
  await check(`${name}: a signed transaction is sent, awaited and found`, () => write(pair));
}

/** Finalities move while we look: each block must be the chain's own at its height. */
async function newest({ name, gateway, reference }) {
  let least = Infinity;
  for (const finality of ["optimistic", "near-final", "final"]) {
    const block = await gateway.block(finality);
    const own = await until(`block ${block.height}`, 5_000, () => reference.block(block.height).catch(() => null));
    assert.equal(block.hash, own.hash, `${name}: ${finality} is a block of the chain`);
    // Three heights pass quickly, and some are skipped.
    assert.ok(block.height <= least + 3, `${name}: ${finality} at ${block.height} is above the finality before it at ${least}`);
    least = block.height;
  }
}

async function skipped({ name, gateway }, near, height) {
  for (const at of [near.skipped(height), near.skipped(OLD)]) {
    const error = await gateway.failure(...near.viewBlock[name](at));
    assert.match(JSON.stringify(error), /UNKNOWN_BLOCK|UnknownBlock|DB Not Found|RpcError.*422|Unknown/i, `${at}: ${JSON.stringify(error)}`);
  }
}

/** Sends a transfer and reads it back; gives the height of its block. */
export async function write(pair) {
  const { name, gateway, reference } = pair;
  const sent = await gateway.send("bob.sim");
  assert.ok(sent.done, JSON.stringify(sent));
  const found = await gateway.status(sent.hash);
  assert.deepEqual(found, sent, `${name}: what was sent is found`);
  assert.deepEqual(await reference.status(sent.hash), sent, `${name}: the node has it`);
  const { height } = await gateway.block(sent.block);
  assert.ok(height <= (await gateway.block("optimistic")).height, `${name}: a transaction was shown before its block`);
  return height;
}
