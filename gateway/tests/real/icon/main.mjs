// Three simulated ICON nodes, one of which keeps everything, behind `headrace run`, used by the ICON SDK, while
// nodes die, hang and fall behind: the client must not notice. And tbears, the nearest to a real node that can
// be had, where its old Python is.

import assert from "node:assert/strict";

import { check } from "../check.mjs";
import { Gateway } from "../gateway.mjs";
import { post } from "../post.mjs";
import { Python } from "../python.mjs";
import { Simnodes } from "../simnodes.mjs";
import { unnoticed } from "../watch.mjs";
import { withTbears } from "./tbears.mjs";
import { tour } from "./tour.mjs";
import { IconWatch } from "./watch.mjs";

export const patience = () => 180_000;

const CHAIN = { name: "icon", family: "icon", identity: "0x539", block_time: "1s" };
/** Blocks that most nodes keep. */
const KEPT = 64;
const FAULT_MS = 4_000;
/** Anybody's key: simulated accounts are all rich. */
const KEY = "5e".repeat(32);
export const OPS = "address block balance supply call api network estimate send transaction result failure".split(" ");

export async function main(run) {
  const simnodes = await Simnodes.start("icon", 3, ["--chain-id", `${Number(CHAIN.identity)}`, "--block-time", CHAIN.block_time, "--states", `${KEPT}`, "--client", "goloop"]);
  run.atTheEnd(() => simnodes.stop());
  const [archive] = simnodes.nodes;
  const gateway = run.direct ? null : run.owns(await Gateway.start(CHAIN, simnodes.nodes, "near"));
  const url = gateway?.url ?? archive.url;
  const python = new Python("icon", "icon_client.py", { key: KEY, nid: Number(CHAIN.identity), steps: 1_000_000 });
  run.atTheEnd(() => python.close());
  const pair = { name: "iconsdk", gateway: python.client(url, OPS), reference: python.client(archive.url, OPS) };
  await tour(pair, { nid: CHAIN.identity });
  if (!run.direct) {
    await raw(url);
    await faults(simnodes, pair);
  }
  await withTbears(run);
}

/** What no client library lets one see. */
async function raw(url) {
  const one = (id, method, params) => ({ jsonrpc: "2.0", id, method, params });
  await check("raw: a batch, which nodes answer in any order, is answered in order and with 200", async () => {
    const calls = [one("a", "icx_getTotalSupply"), one(2, "icx_getLastBlock"), one(3, "icx_noSuchMethod"), one("d", "icx_getBalance", { address: `hx${"0".repeat(40)}` })];
    const { status, json } = await post(`${url}/api/v3`, calls);
    assert.equal(status, 200);
    assert.deepEqual(json.map(({ id }) => id), ["a", 2, 3, "d"]);
    assert.ok(json[0].result && json[1].result.height && json[3].result, JSON.stringify(json).slice(0, 500));
    assert.equal(json[2].error.code, -32601);
  });
  await check("raw: a batch that no node takes in one is answered", async () => {
    const { status, json } = await post(`${url}/api/v3`, Array.from({ length: 30 }, (_, id) => one(id, "icx_getNetworkInfo")));
    assert.equal(status, 200);
    assert.ok(json.length === 30 && json.every(({ id, result }, i) => id === i && result.latest), JSON.stringify(json).slice(0, 500));
  });
  await check("raw: with and without a channel, and an error of one call is 400 with its body", async () => {
    for (const path of ["/api/v3", "/api/v3/", "/api/v3/icon_dex"]) {
      const good = await post(url + path, one(1, "icx_getLastBlock"));
      assert.deepEqual([good.status, typeof good.json.result?.height], [200, "number"], `${path} ${good.text.slice(0, 200)}`);
      const bad = await post(url + path, one("x", "icx_getBlockByHeight", { height: "0xffffffff" }));
      assert.deepEqual([bad.status, bad.json.error?.code, bad.json.id], [400, -31004, "x"], `${path} ${bad.text.slice(0, 200)}`);
    }
  });
  await check("raw: a method that nobody has, and bad parameters, are 400 with goloop's codes", async () => {
    for (const [call, code] of [[one(1, "icx_noSuchMethod"), -32601], [one(1, "icx_getBalance", { address: "hx1" }), -32602]]) {
      const { status, json } = await post(`${url}/api/v3`, call);
      assert.deepEqual([status, json.error.code], [400, code], JSON.stringify(json));
    }
  });
}

/** One fault after the other, and the client at work all the time. */
async function faults(simnodes, pair) {
  const [, second, third] = simnodes.nodes;
  const watch = new IconWatch(pair, simnodes);
  const phases = [
    ["nothing is broken", []],
    ["a node is killed", [[second, { kind: "die" }]]],
    ["a node hangs", [[third, { kind: "hang" }]]],
    ["a node is left behind", [[second, { kind: "lag", blocks: 40 }]]],
    ["one is killed, one left behind", [[second, { kind: "die" }], [third, { kind: "freeze" }]]],
  ];
  for (const [name, breaks] of phases) {
    await unnoticed(name, [watch], async () => {
      for (const [node, fault] of breaks) await simnodes.breaks(node, fault);
      await new Promise((done) => setTimeout(done, FAULT_MS));
      for (const [node] of breaks) await simnodes.heal(node);
    });
  }
  await watch.stop();
  console.log(`        ${watch.name}: ${watch.calls} calls, ${watch.writes} transactions`);
  assert.ok(watch.writes > 0, "nothing was written");
}
