// What one client can do with an endpoint, once each, while nothing is broken. `pair` is the same client
// twice: through the gateway, and directly at the node that keeps everything.

import assert from "node:assert/strict";

import { check, same } from "../check.mjs";
import { until } from "../node.mjs";

/** Simulated contracts: one that answers every call with the height of the block, one that refuses all. */
export const HEIGHT = contract("headrace/height");
const REVERT = contract("headrace/revert");
/** Below what most nodes have. */
const OLD = 300;
export const BOB = `hx${"b0".repeat(20)}`;

const PENDING = -31002;
const EXECUTING = -31003;
const NOT_FOUND = -31004;

function contract(name) {
  return `cx${Buffer.from(name).toString("hex").padEnd(40, "0")}`;
}

export async function tour(pair, icon) {
  const { name, gateway } = pair;
  const { height } = await gateway.block("latest");
  const at = height - 1;
  const { hash } = await pair.reference.block(at);
  await check(`${name}: the network is named`, async () => assert.equal((await gateway.network()).nid, icon.nid));
  await check(`${name}: the last block, and blocks by height and hash, are the chain's own`, async () => {
    assert.equal((await same(pair, "block", at)).hash, hash);
    assert.equal((await same(pair, "block", hash)).height, at);
    const last = await gateway.block("latest");
    assert.equal(last.hash, (await until("the last block", 5_000, () => pair.reference.block(last.height).catch(() => null))).hash);
  });
  await check(`${name}: balance, supply and a call at a height are that block's, and they go on`, async () => {
    await same(pair, "balance", BOB, at);
    await same(pair, "supply", at);
    assert.equal(Number(await same(pair, "call", HEIGHT, "get", at)), at);
    assert.ok(Number(await gateway.call(HEIGHT, "get")) >= at);
    assert.ok(BigInt(await gateway.balance(BOB)) > 0n && BigInt(await gateway.supply()) > 0n);
  });
  await check(`${name}: a contract's interface is the node's`, async () => assert.ok((await same(pair, "api", HEIGHT)).length > 0));
  await check(`${name}: steps are estimated, on the path of debug calls`, async () => assert.ok((await same(pair, "estimate", BOB)) > 0));
  await check(`${name}: a contract's refusal arrives with its code`, async () => {
    const failure = await gateway.failure("call", REVERT, "get");
    assert.deepEqual(failure, await pair.reference.failure("call", REVERT, "get"));
    assert.ok(failure.code < -30_000 && failure.code > -31_000, JSON.stringify(failure));
  });
  await check(`${name}: a block and a state that most nodes lack come from the one that keeps all`, async () => {
    await same(pair, "block", OLD);
    await same(pair, "balance", BOB, OLD);
    assert.equal(Number(await same(pair, "call", HEIGHT, "get", OLD)), OLD);
  });
  await check(`${name}: what is not there is told as goloop tells it`, async () => {
    for (const [op, ...args] of [["block", height + 1_000], ["block", `0x${"ab".repeat(32)}`], ["transaction", `0x${"cd".repeat(32)}`]]) {
      const failure = await gateway.failure(op, ...args);
      assert.equal(failure.code, NOT_FOUND, `${op}: ${JSON.stringify(failure)}`);
    }
    assert.equal((await gateway.result(`0x${"cd".repeat(32)}`)).code, NOT_FOUND);
  });
  await check(`${name}: a signed transaction is sent, its result polled and found`, async () => (await write(pair)).codes);
}

/** Sends a transfer and polls its result, as SDKs do; tells the codes that came before it. */
export async function write(pair) {
  const { name, gateway } = pair;
  const hash = await gateway.send(BOB);
  const codes = new Set();
  const result = await until(`${name}: the result of ${hash}`, 20_000, async () => {
    const answer = await gateway.result(hash);
    if (answer.code === undefined) return answer;
    assert.ok([PENDING, EXECUTING, NOT_FOUND].includes(answer.code), JSON.stringify(answer));
    codes.add(answer.code);
    await new Promise((done) => setTimeout(done, 100));
    return null;
  });
  assert.equal(result.status, 1);
  const found = await gateway.transaction(hash);
  assert.deepEqual([found.hash, found.height], [hash, result.height]);
  const block = await gateway.block(result.height);
  assert.ok(block.transactions.includes(hash), `${name}: ${hash} is in block ${result.height}`);
  assert.ok((await gateway.block("latest")).height >= result.height, `${name}: a result was shown before its block`);
  return { height: result.height, codes: [...codes].join(", ") };
}
