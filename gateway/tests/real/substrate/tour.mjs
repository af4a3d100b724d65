// What one client can do with an endpoint, once each, while nothing is broken. `pair` is the same
// client twice: through the gateway, and directly at a node that nothing befalls.

import assert from "node:assert/strict";

import { check, same } from "../check.mjs";
import { until } from "../node.mjs";
import { GENESIS } from "./chopsticks.mjs";

export async function tour(pair, chain, address) {
  const { name, gateway } = pair;
  const hashes = [2, Math.floor(chain.height() / 2), chain.height() - 1].map((number) => chain.hash(number));
  await check(`${name}: genesis, chain name, runtime version and metadata are the node's`, async () => {
    assert.equal(await gateway.genesis(), GENESIS);
    await same(pair, "chainName");
    await same(pair, "version");
    await same(pair, "version", hashes[0]);
    const pallets = await same(pair, "metadata", hashes[1]);
    assert.ok(pallets.includes("System") && pallets.length > 10, `${pallets}`);
  });
  await check(`${name}: headers and blocks by hash, and hashes by height, are the node's`, async () => {
    for (const hash of hashes) {
      await same(pair, "header", hash);
      await same(pair, "block", hash);
    }
    for (let number = 2; number < chain.height(); number++) assert.equal(await gateway.hashAt(number), chain.hash(number));
  });
  await check(`${name}: storage at a hash is that block's`, async () => {
    for (const hash of hashes) {
      const number = await same(pair, "blockNumber", hash);
      assert.equal(chain.hash(number), hash);
      await same(pair, "balance", address, hash);
    }
  });
  await check(`${name}: the newest header, the final one and the newest storage go on`, () => newest(pair, chain, address));
  await check(`${name}: a signed extrinsic is sent, included, and its event read`, () => write(pair, chain, "hello"));
}

async function newest({ gateway }, chain, address) {
  const before = await gateway.head();
  await chain.blocks(1);
  const after = await until("a newer head", 10_000, async () => {
    const head = await gateway.head();
    return head.number > before.number && head;
  });
  assert.equal(after.parent, chain.hash(after.number - 1), "the newest header is the chain's own");
  const final = await gateway.finalized();
  assert.equal(final.parent, chain.hash(final.number - 1), "the final header is the chain's own");
  assert.ok((await gateway.blockNumber()) >= before.number, "the newest storage");
  assert.ok(BigInt(await gateway.balance(address)) > 0n);
}

/** Sends a remark and finds it; gives the height it was included at. */
export async function write(pair, chain, text) {
  const { name, gateway } = pair;
  const raw = await gateway.sign(text);
  const hash = await chain.between(() => gateway.publish(raw));
  const from = chain.height();
  const number = await until(`${name}: ${hash} is in a block`, 40_000, async () => included(gateway, hash, from, (await gateway.head()).number));
  const block = await gateway.hashAt(number);
  assert.equal(block, chain.hash(number));
  await same(pair, "block", block);
  const events = await same(pair, "events", block);
  assert.ok(events.some((event) => event.toLowerCase() === "system.extrinsicsuccess"), `${events}`);
  return number;
}

/** The height of the block that has it, as clients without subscriptions look for it. */
async function included(gateway, hash, from, to) {
  for (let number = from; number <= to; number++) {
    const block = await gateway.hashAt(number);
    if (block && !/^0x0*$/.test(block) && (await gateway.block(block)).extrinsics.includes(hash)) return number;
  }
  return null;
}
