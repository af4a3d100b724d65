// What chopsticks does otherwise than nodes, and what no client library lets one see. Nothing of it may
// confuse the gateway: afterwards every node still serves.

import assert from "node:assert/strict";

import { check } from "../check.mjs";
import { GENESIS } from "./chopsticks.mjs";

const UNKNOWN = `0x${"00".repeat(31)}aa`;

async function post(url, method, params = []) {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  const response = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
  const reply = JSON.parse(await response.text());
  assert.equal(reply.id, 1);
  return { status: response.status, ...reply };
}

export async function quirks(url, chain, pairs, direct) {
  await check("chopsticks: its genesis hash is taken for what it says", async () => {
    assert.equal((await post(url, "chain_getBlockHash", [0])).result, GENESIS);
    assert.equal((await post(url, "chain_getBlockHash", ["0x0"])).result, GENESIS);
  });
  await check("chopsticks: without peers it is healthy", async () => {
    const { result } = await post(url, "system_health");
    assert.equal(result.isSyncing, false);
  });
  await check("chopsticks: its newest block is final", async () => {
    const { result: final } = await post(url, "chain_getFinalizedHead");
    const number = chain.log.findIndex(({ hash }) => hash === final) + 1 + chain.base;
    assert.ok(chain.height() - number <= 2, `block ${number} is final at ${chain.height()}`);
  });
  await check("chopsticks: an error without a code is an error, and the node's word is kept", async () => {
    for (let i = 0; i < 5; i++) {
      // While it makes a block it answers nothing, which is another matter.
      const { error } = await chain.between(() => post(url, "author_submitExtrinsic", ["0x1234"]));
      assert.match(`${error.message} ${JSON.stringify(error.data)}`, /unreachable/);
      if (!direct) assert.equal(typeof error.code, "number", JSON.stringify(error));
    }
    assert.equal((await post(url, "chain_getBlockHash", [chain.base + 1])).result, chain.hash(chain.base + 1));
  });
  await methods(url, chain, pairs, direct);
  await refused(url, chain, direct);
}

async function methods(url, chain, pairs, direct) {
  await check("rpc_methods names what is served, and nothing that changes a node", async () => {
    for (const { name, gateway } of pairs) {
      const list = await gateway.methods();
      for (const method of ["chain_getHeader", "state_getStorage", "author_submitExtrinsic"]) assert.ok(list.includes(method), `${name}: ${method}`);
      const unsafe = list.filter((method) => /^(dev|sudo|engine|offchain)_|^author_(rotateKeys|insertKey)|unstable/.test(method));
      if (!direct) assert.deepEqual(unsafe, [], name);
    }
  });
}

async function refused(url, chain, direct) {
  await check("a subscription over HTTP is refused as nodes refuse it", async () => {
    for (const method of ["chain_subscribeNewHeads", "state_subscribeStorage", "author_submitAndWatchExtrinsic", "chainHead_v1_follow"]) {
      const { error } = await post(url, method);
      assert.ok(error, method);
      if (!direct) assert.equal(error.code, -32603, `${method}: ${JSON.stringify(error)}`);
    }
  });
  await check("a method that nobody has is -32601, over and over", async () => {
    for (let i = 0; i < 10; i++) {
      const { error } = await post(url, "chain_noSuchMethod");
      assert.match(error.message, /not found/i);
      if (!direct) assert.equal(error.code, -32601);
    }
  });
  if (direct) return;
  await check("methods that change a node are refused like unknown ones and never reach it", async () => {
    for (const [method, params] of [["dev_newBlock", []], ["dev_setHead", [1]], ["dev_setStorage", [[]]], ["author_rotateKeys", []]]) {
      assert.equal((await post(url, method, params)).error?.code, -32601, method);
    }
    await chain.between(async () => assert.equal(await chain.reference.height(), chain.height()));
  });
}

/**
 * A hash that is no block's. chopsticks takes it for the genesis block's from then on, so that no node of
 * these is of its chain any more: this is the last that they are asked.
 */
export async function wrongHash(url, chain) {
  await check("a hash that is no block's is answered as the node answers it", async () => {
    const { result, error } = await post(url, "chain_getHeader", [UNKNOWN]);
    assert.equal(error, undefined);
    assert.ok(result === null || Number(result.number) === 0, JSON.stringify(result));
    assert.equal((await post(url, "state_getStorage", [`0x${"26".repeat(32)}`, UNKNOWN])).result ?? null, null);
  });
}
