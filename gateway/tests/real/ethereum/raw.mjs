// JSON-RPC as bytes: what no client library lets one see.

import assert from "node:assert/strict";

import { check } from "../check.mjs";

async function post(url, body) {
  const response = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
  return { status: response.status, text: await response.text() };
}

export async function raw(url, chain) {
  const call = (id, method = "eth_chainId", params = ',"params":[]') => `{"jsonrpc":"2.0"${id === null ? "" : `,"id":${id}`},"method":"${method}"${params}}`;
  await check("raw: every kind of id comes back as it was written", async () => {
    const ids = ["0", "7", "-1", '"a"', '"0b9f8a3e-1c5d-4a55-9d0c-4a2f6d1b7c11"', "null", "123456789012345678901234567890", '"\\u00e9\\"x"'];
    for (const id of ids) {
      for (const method of ["eth_chainId", "eth_gasPrice"]) {
        const { status, text } = await post(url, call(id, method));
        assert.equal(status, 200, text);
        assert.ok(text.includes(`"id":${id},`) || text.includes(`"id":${id}}`), `id ${id} in ${text}`);
      }
    }
  });
  await check("raw: params may be left out", async () => assert.match((await post(url, call("1", "eth_gasPrice", ""))).text, /"result":"0x/));
  await check("raw: a notification alone is 204 without a body", async () => assert.deepEqual(await post(url, call(null)), { status: 204, text: "" }));
  await check("raw: a batch of notifications is 204 without a body", async () => assert.deepEqual(await post(url, `[${call(null)},${call(null, "eth_gasPrice")}]`), { status: 204, text: "" }));
  await check("raw: a batch is answered in order, its notifications are not", async () => {
    const { text } = await post(url, `[${call('"b"', "eth_gasPrice")},${call(null)},${call("1")},${call("2", "eth_noSuchMethod")}]`);
    const replies = JSON.parse(text);
    assert.deepEqual(replies.map((reply) => reply.id), ["b", 1, 2]);
    assert.equal(replies[2].error.code, -32601);
  });
  await check("raw: an empty batch and broken JSON are errors with id null", async () => {
    for (const [body, code] of [["[]", -32600], ["{\"jsonrpc\":", -32700]]) {
      const { status, text } = await post(url, body);
      const reply = [JSON.parse(text)].flat()[0];
      assert.deepEqual([status, reply.error.code, reply.id], [400, code, null], text);
    }
  });
  await check("raw: methods that change a node are refused like unknown ones and never reach it", async () => {
    const bytes = async (method, params) => (await post(url, call("1", method, params))).text.replace(/"request_id":"[^"]*"/, "");
    const unknown = await bytes("eth_noSuchMethod");
    const height = chain.log.length;
    for (const [method, params] of [["evm_mine", ',"params":[]'], ["anvil_setBalance", ',"params":["0x00000000000000000000000000000000000000aa","0x1"]'], ["admin_addPeer", ',"params":["enode"]']]) {
      assert.equal(await bytes(method, params), unknown, method);
    }
    await chain.between(async () => assert.equal(Number(await chain.reference.rpc("eth_blockNumber")), chain.log.length));
    return `block ${height}`;
  });
}
