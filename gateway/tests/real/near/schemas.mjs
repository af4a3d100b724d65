// Answers against the schemas that NEAR generates from its node: directly and through the gateway, and
// that both are the same where time does not change them.

import assert from "node:assert/strict";

import { VALIDATION_SCHEMA_MAP } from "@near-js/jsonrpc-types";

import { check } from "../check.mjs";
import { call } from "../post.mjs";

/** What is asked, given a final block and a transaction in one: `moves` where an answer is not twice the same. */
const ROWS = ({ height, hash, chunk, epoch, tx }) => [
  { method: "status", params: [], moves: true },
  { method: "status", params: { finality: "final" }, moves: true },
  { method: "health", params: [] },
  { method: "block", params: { block_id: height } },
  { method: "block", params: [hash] },
  { method: "block", params: { finality: "optimistic" }, moves: true },
  { method: "block", params: { finality: "final" }, moves: true },
  { method: "chunk", params: { chunk_id: chunk } },
  { method: "chunk", params: { block_id: height, shard_id: 0 } },
  { method: "query", params: { request_type: "view_account", account_id: "alice.sim", block_id: height } },
  { method: "query", params: { request_type: "view_account", account_id: "alice.sim", finality: "final" }, moves: true },
  { method: "query", params: { request_type: "view_access_key_list", account_id: "alice.sim", block_id: hash } },
  { method: "query", params: { request_type: "view_code", account_id: "alice.sim", block_id: height } },
  { method: "query", params: { request_type: "view_state", account_id: "alice.sim", prefix_base64: "", block_id: height } },
  { method: "query", params: { request_type: "call_function", account_id: "height.sim", method_name: "get", args_base64: "e30=", block_id: height } },
  { method: "query", params: { request_type: "view_account", account_id: "missing.sim", block_id: height } },
  { method: "gas_price", params: [height] },
  { method: "gas_price", params: { block_id: hash } },
  { method: "gas_price", params: [null], moves: true },
  { method: "validators", params: { epoch_id: epoch } },
  { method: "validators", params: [null], moves: true },
  { method: "tx", params: { tx_hash: tx.hash, sender_account_id: tx.signer, wait_until: "FINAL" } },
  { method: "tx", params: [tx.hash, tx.signer] },
  { method: "EXPERIMENTAL_tx_status", params: { tx_hash: tx.hash, sender_account_id: tx.signer, wait_until: "FINAL" } },
  { method: "EXPERIMENTAL_changes_in_block", params: { block_id: height } },
  { method: "EXPERIMENTAL_protocol_config", params: { block_id: height } },
  { method: "EXPERIMENTAL_validators_ordered", params: [hash] },
  { method: "block", params: { block_id: 9_999_999_999 } },
  { method: "block", params: { block_id: "final" } },
  { method: "tx", params: { tx_hash: hash, sender_account_id: tx.signer, wait_until: "NONE" } },
];

/** Methods that are asked of a node, and never served to the public. */
const PRIVATE = [{ method: "client_config", params: [] }, { method: "EXPERIMENTAL_split_storage_info", params: {} }];

export async function schemas(url, node, sample, direct) {
  for (const row of ROWS(sample)) await check(`schema: ${row.method} ${shown(row.params, sample)}`, () => fits(url, node, row));
  if (direct) return;
  await check("methods of a node alone are refused like unknown ones", async () => {
    const unknown = await call(url, "no_such_method", [], "dontcare");
    for (const { method, params } of PRIVATE) {
      const { error, status } = await call(url, method, params, "dontcare");
      assert.deepEqual([status, error.code, error.name, error.cause.name], [unknown.status, unknown.error.code, unknown.error.name, unknown.error.cause.name]);
    }
    assert.deepEqual([unknown.error.code, unknown.error.name, unknown.error.cause.name], [-32601, "REQUEST_VALIDATION_ERROR", "METHOD_NOT_FOUND"]);
  });
}

async function fits(url, node, { method, params, moves }) {
  const [got, wanted] = [await call(url, method, params, "dontcare"), await call(node, method, params, "dontcare")];
  for (const [where, { status, ...reply }] of [["the node", wanted], ["the gateway", got]]) {
    const { success, error } = VALIDATION_SCHEMA_MAP[method].responseSchema().safeParse(camel(reply));
    if (!success) assert.fail(`${where} (${status}): ${JSON.stringify(reply).slice(0, 400)}\n${JSON.stringify(error.issues).slice(0, 800)}`);
  }
  assert.equal(got.status, wanted.status, `${JSON.stringify(got).slice(0, 300)} is not ${JSON.stringify(wanted).slice(0, 300)}`);
  // What the gateway says of itself need not be in the node's words.
  if (got.error?.data?.origin === "gateway") assert.deepEqual([got.error.code, got.error.name, got.error.cause.name], [wanted.error.code, wanted.error.name, wanted.error.cause.name]);
  else if (!moves) assert.deepEqual(got, wanted);
  return "error" in got ? got.error.cause.name : undefined;
}

/** Parameters with names for what differs from run to run. */
function shown(params, { height, tx, ...hashes }) {
  const names = new Map([[height, "HEIGHT"], [tx.hash, "TX"], ...Object.entries(hashes).map(([name, hash]) => [hash, name.toUpperCase()])]);
  return JSON.stringify(params, (_, value) => names.get(value) ?? value);
}

/** The schemas name members in camel case; what begins with a capital is a name already. */
function camel(value) {
  if (Array.isArray(value)) return value.map(camel);
  if (value === null || typeof value !== "object") return value;
  const name = (key) => (/^[A-Z]/.test(key) ? key : key.replace(/_([a-z0-9])/g, (_, letter) => letter.toUpperCase()));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [name(key), camel(item)]));
}
