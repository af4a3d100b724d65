// Three simulated NEAR nodes, one of which keeps everything, behind `headrace run`, used by near-api-js and
// py-near, while nodes die, hang and fall behind: the clients must not notice. No real node can be had.

import assert from "node:assert/strict";

import { KeyPair } from "near-api-js";

import { check } from "../check.mjs";
import { Gateway } from "../gateway.mjs";
import { until } from "../node.mjs";
import { call, post } from "../post.mjs";
import { Python } from "../python.mjs";
import { Simnodes } from "../simnodes.mjs";
import { unnoticed } from "../watch.mjs";
import { nearapi } from "./nearapi.mjs";
import { schemas } from "./schemas.mjs";
import { tour, write } from "./tour.mjs";
import { NearWatch } from "./watch.mjs";

export const patience = () => 120_000;

const CHAIN = { name: "near", family: "near", identity: "sim-1337", block_time: "600ms" };
/** Blocks that most nodes keep. */
const KEPT = 64;
const FAULT_MS = 4_000;
const PYTHON_OPS = "chain newest block amount call keys gasPrice validators send status failure".split(" ");

export async function main(run) {
  const simnodes = await Simnodes.start("near", 3, ["--chain-id", "1337", "--block-time", CHAIN.block_time, "--states", `${KEPT}`, "--client", "nearcore214"]);
  run.atTheEnd(() => simnodes.stop());
  const [archive] = simnodes.nodes;
  const gateway = run.direct ? null : run.owns(await Gateway.start(CHAIN, simnodes.nodes, "near"));
  const url = gateway?.url ?? archive.url;
  const pairs = startClients(run, url, archive.url);
  const near = { chain: CHAIN.identity, ...(await heights(archive.url)), viewBlock: { "near-api-js": (at) => ["viewBlock", { blockId: at }], "py-near": (at) => ["get_block", at] } };
  await Promise.all(pairs.map((pair) => tour(pair, near)));
  await schemas(url, archive.url, await sample(pairs[0], archive.url), run.direct);
  if (run.direct) return;
  await raw(url);
  await faults(simnodes, pairs);
}

/** Which heights the chain skipped, as the archive tells. */
async function heights(url) {
  const skips = new Map();
  const { result } = await call(url, "block", { finality: "final" });
  const look = async (height) => skips.set(height, (await call(url, "block", { block_id: height })).error !== undefined);
  const newest = result.header.height;
  for (let back = 0; back < 60; back++) await Promise.all([look(500 - back), look(newest - back)]);
  const find = (height, skip) => {
    while (skips.get(height) !== skip) height -= 1;
    assert.ok(height > 0, "no such height");
    return height;
  };
  return { standing: (height) => find(Math.min(height, newest), false), skipped: (height) => find(Math.min(height, newest), true) };
}

function startClients(run, url, archive) {
  const setup = (account) => ({ account, key: KeyPair.fromRandom("ed25519").toString() });
  const [js, py] = [setup("alice.sim"), setup("carol.sim")];
  const python = new Python("near", "near_client.py", py);
  run.atTheEnd(() => python.close());
  return [
    { name: "near-api-js", signer: js.account, gateway: nearapi(url, js), reference: nearapi(archive, js) },
    { name: "py-near", signer: py.account, gateway: python.client(url, PYTHON_OPS), reference: python.client(archive, PYTHON_OPS) },
  ];
}

/** A transaction, and the block that has it. */
async function sample({ gateway, reference, signer }, archive) {
  const tx = { ...(await gateway.send("bob.sim")), signer };
  const { height, hash } = await reference.block(tx.block);
  const { header, chunks } = (await call(archive, "block", { block_id: hash })).result;
  // All nodes are past it.
  await until("a later final block", 10_000, async () => (await gateway.block("final")).height > height + 1);
  return { height, hash, chunk: chunks[0].chunk_hash, epoch: header.epoch_id, tx };
}

/** What no client library lets one see. */
async function raw(url) {
  await check("raw: ids of strings and numbers come back as they were written", async () => {
    for (const id of ["dontcare", "123", 7, 0, "0b9f8a3e-1c5d-4a55-9d0c-4a2f6d1b7c11"]) {
      assert.equal((await call(url, "gas_price", [null], id)).error, undefined);
    }
  });
  await check("raw: a batch, which no node takes, is answered call by call", async () => {
    const one = (id, method, params) => ({ jsonrpc: "2.0", id, method, params });
    const { status, json } = await post(url, [one("a", "gas_price", [null]), one("b", "block", { finality: "final" }), one("c", "no_such_method", [])]);
    assert.equal(status, 200);
    assert.deepEqual(json.map(({ id }) => id), ["a", "b", "c"]);
    assert.ok(json[0].result.gas_price && json[1].result.header && json[2].error.cause.name === "METHOD_NOT_FOUND", JSON.stringify(json).slice(0, 500));
  });
  await check("raw: a key that is not there is an answer, as nodes answer it", async () => {
    const key = KeyPair.fromRandom("ed25519").getPublicKey().toString();
    const { status, result } = await call(url, "query", { request_type: "view_access_key", account_id: "keyless.sim", public_key: key, finality: "final" });
    assert.equal(status, 200);
    assert.match(result.error, /does not exist while viewing/);
  });
}

/** One fault after the other, and the clients at work all the time. */
async function faults(simnodes, pairs) {
  const [, second, third] = simnodes.nodes;
  const watches = pairs.map((pair) => new NearWatch(pair, simnodes));
  const phases = [
    ["nothing is broken", []],
    ["a node is killed", [[second, { kind: "die" }]]],
    ["a node hangs", [[third, { kind: "hang" }]]],
    ["a node is left behind", [[second, { kind: "lag", blocks: 40 }]]],
    ["one is killed, one left behind", [[second, { kind: "die" }], [third, { kind: "freeze" }]]],
  ];
  for (const [name, breaks] of phases) {
    await unnoticed(name, watches, async () => {
      for (const [node, fault] of breaks) await simnodes.breaks(node, fault);
      await new Promise((done) => setTimeout(done, FAULT_MS));
      for (const [node] of breaks) await simnodes.heal(node);
    });
  }
  await Promise.all(watches.map((watch) => watch.stop()));
  for (const { name, calls, writes } of watches) {
    console.log(`        ${name}: ${calls} calls, ${writes} transactions`);
    assert.ok(writes > 0, `${name} has written nothing`);
  }
}
