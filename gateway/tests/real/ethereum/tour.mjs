// What one client can do with an endpoint, once each, while nothing is broken. `pair` is the same
// client twice: through the gateway, and directly at the reference node.

import assert from "node:assert/strict";

import { check, plain, same } from "../check.mjs";
import { FAIL_TEXT } from "./contract.mjs";
import { SETTLED } from "./node.mjs";

export async function tour(pair, chain, { account, contract }) {
  const { name, gateway } = pair;
  const height = chain.log.length - SETTLED;
  const hash = (number) => chain.log[number - 1].hash;
  await check(`${name}: the chain id is 1`, async () => assert.equal(await gateway.chainId(), 1));
  await check(`${name}: blocks by number, hash and tag are the node's, with and without transactions`, async () => {
    for (const full of [false, true]) {
      await same(pair, "block", chain.deployed, full);
      await same(pair, "block", hash(chain.deployed), full);
      await same(pair, "block", "earliest", full);
    }
    await atTags(pair, hash);
  });
  await check(`${name}: balance, nonce, code and storage are the node's`, async () => {
    await same(pair, "balance", account, height);
    await same(pair, "nonce", account, height);
    await same(pair, "code");
    await same(pair, "storage", height);
    assert.ok(BigInt(plain(await gateway.balance(account))) > 0n, "the newest balance");
  });
  await check(`${name}: a contract is called, at the newest block and at a named one`, async () => {
    await same(pair, "get", height);
    assert.ok((await gateway.height()) >= height, "the newest state is not older than the block number");
  });
  await check(`${name}: a revert's data arrives intact and is decoded`, () => reverts(pair, contract));
  await check(`${name}: gas is estimated and the fee history read`, async () => {
    await same(pair, "estimate");
    await same(pair, "feeHistory", height);
  });
  await check(`${name}: a signed transaction is sent, mined, and its receipt and log read`, () => write(pair, chain));
  await check(`${name}: a batch of eight is answered in order`, async () => {
    const heights = Array.from({ length: 8 }, (_, i) => height - i);
    assert.deepEqual(await gateway.batch(heights), heights.map(hash));
  });
  await check(`${name}: an unknown method is -32601`, async () => assert.equal(await gateway.unknown(), -32601));
}

/** Tags move while we look: the block must be the chain's own at its height. */
async function atTags({ name, gateway }, hash) {
  let least = Infinity;
  for (const tag of ["latest", "safe", "finalized"]) {
    const block = await gateway.block(tag, false);
    const number = Number(block.number);
    if (number > 0) assert.equal(block.hash, hash(number), `${name}: ${tag} is a block of the chain`);
    assert.ok(number <= least + 1, `${name}: ${tag} at ${number} is above the tag before it at ${least}`);
    least = number;
  }
}

async function reverts(pair, contract) {
  const refused = await same(pair, "refuse", 42);
  assert.equal(refused.name, "Refused");
  assert.equal(refused.args[0], "42");
  assert.equal(refused.data.length, 2 + 2 * (4 + 32 + 32), `all bytes of the error of ${contract}`);
  const failed = await same(pair, "fail");
  assert.deepEqual(failed.args, [FAIL_TEXT]);
}

/** No receipt is shown before its block: who reads it asks for that block next. */
async function isShown({ name, gateway }, mined) {
  const number = await gateway.blockNumber();
  assert.ok(number >= mined, `${name}: a receipt of block ${mined} was shown at block ${number}`);
}

/** Sends `set(value)` and reads it back in every way; gives the height it was mined at. */
export async function write(pair, chain, value = 1) {
  const { name, gateway } = pair;
  const raw = await gateway.sign(value);
  const hash = await chain.between(() => gateway.publish(raw));
  const mined = await gateway.mined(hash);
  await isShown(pair, mined);
  const receipt = plain(await same(pair, "receipt", hash));
  assert.ok([1, "0x1", "success"].includes(receipt.status), `${name}: status ${receipt.status}`);
  await same(pair, "transaction", hash);
  const logs = await same(pair, "logs", mined, mined);
  assert.ok(JSON.stringify(plain(logs)).includes(hash), `${name}: the log of ${hash} is in block ${mined}`);
  assert.equal(`${plain(await gateway.get(mined))}`, `${value}`, `${name}: what was written is read`);
  return mined;
}
