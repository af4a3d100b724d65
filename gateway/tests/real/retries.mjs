// What the clients' own retries make of our errors: a wrong code or header turns one hopeless call
// into a dozen. Their defaults are used, and every HTTP request is counted on its way.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";

import { check } from "./check.mjs";
import { KEYS, MAX_BATCH, MAX_BODY } from "./gateway.mjs";

/** More HTTP requests than this in a second for one call is an amplification. */
const MOST = 4;
const WINDOW_MS = 1000;

/** Passes requests on to `target` and keeps what was answered. */
class Counter {
  seen = [];

  static async before(target) {
    const counter = new Counter();
    counter.server = createServer((request, response) => counter.#pass(target, request, response)).listen(0, "127.0.0.1");
    await once(counter.server, "listening");
    counter.url = `http://127.0.0.1:${counter.server.address().port}`;
    return counter;
  }

  async #pass(target, request, response) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const entry = { at: Date.now() };
    this.seen.push(entry);
    const answer = await fetch(target + request.url, { method: request.method, headers: { "content-type": "application/json" }, body: Buffer.concat(chunks) });
    const body = Buffer.from(await answer.arrayBuffer());
    const passed = ["content-type", "retry-after"].filter((name) => answer.headers.has(name));
    Object.assign(entry, { status: answer.status, ms: Date.now() - entry.at, body: body.toString().slice(0, 300) });
    response.writeHead(answer.status, Object.fromEntries(passed.map((name) => [name, answer.headers.get(name)])));
    response.end(body);
  }

  close() {
    this.server.closeAllConnections();
    this.server.close();
  }
}

/** `clients` maps a name to a maker of its default form for a URL. */
export async function retries(url, clients, rows) {
  for (const row of rows) {
    await row.before?.(`${url}${row.path ?? ""}`);
    const one = ([name, make]) =>
      check(`${name}: ${row.name} is tried at most ${MOST} times in a second`, () => attempts(`${url}${row.path ?? ""}`, make, row));
    await Promise.all(Object.entries(clients).map(one));
  }
}

async function attempts(url, make, row) {
  const counter = await Counter.before(url);
  const client = make(counter.url);
  try {
    // The client's own view does not matter here, and it may go on trying for longer.
    row.run(client).catch(() => {});
    await new Promise((done) => setTimeout(done, WINDOW_MS));
    const seen = [...counter.seen];
    // A client may ask for something else on its way, such as the chain id.
    const refused = seen.filter(({ status, body }) => status === row.status && body.includes(`"code":${row.code},`));
    assert.ok(refused.length > 0, `no ${row.status} with ${row.code}: ${JSON.stringify(seen)}`);
    assert.ok(seen.length <= MOST + 1 && refused.length <= MOST, `${refused.length} times: ${JSON.stringify(seen)}`);
    return `${refused.length}, the first after ${refused[0].ms} ms`;
  } finally {
    client.close?.();
    counter.close();
  }
}

const SOMEBODY = "0x00000000000000000000000000000000000000aa";

/** While the nodes serve. */
export const REJECTED = [
  { name: "an unknown method", status: 200, code: -32601, run: (client) => client.call("eth_noSuchMethod", []) },
  { name: "a bad block reference", status: 200, code: -32602, run: (client) => client.call("eth_getBlockByNumber", ["newest", false]) },
  { name: "a call without a method", status: 400, code: -32600, run: (client) => client.call("", []) },
  { name: "an unknown path", path: "/no/such/path", status: 404, code: -32600, run: (client) => client.call("eth_blockNumber", []) },
  { name: "a batch over the limit", status: 413, code: -32600, run: (client) => client.batch(MAX_BATCH + 1) },
  { name: "a body over the limit", status: 413, code: -32600, run: (client) => client.call("eth_call", [{ to: SOMEBODY, data: `0x${"00".repeat(MAX_BODY)}` }, "latest"]) },
];

/** Sends a call until the client at `url` has spent what it may. */
async function spend(url, method, params) {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  for (let tries = 0; tries < 10; tries++) {
    const answer = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
    await answer.arrayBuffer();
    if (answer.status === 429) return;
  }
  assert.fail("the bucket is never empty");
}

const READ = ["eth_call", [{ to: SOMEBODY, data: "0x" }, "latest"]];

/** What a plan does not have, or not now. */
export const LIMITED = [
  { name: "a client that has spent its rate", path: `/eth/${KEYS.poor}`, before: (url) => spend(url, ...READ), status: 429, code: -32005, run: (client) => client.call(...READ) },
  { name: "a batch of a client that has spent its rate", path: `/eth/${KEYS.poor}`, status: 429, code: -32005, run: (client) => client.batch(10) },
  { name: "a batch heavier than the bucket", path: `/eth/${KEYS.poor}`, status: 413, code: -32600, run: (client) => client.batch(20) },
  { name: "a method outside the plan", path: `/eth/${KEYS.modest}`, status: 403, code: -32004, run: (client) => client.call(...READ) },
  { name: "a key that is not valid", path: `/eth/${KEYS.unknown}`, status: 401, code: -32600, run: (client) => client.call(...READ) },
];

const STATE = ["state_call", ["Core_version", "0x"]];

export const LIMITED_SUBSTRATE = [
  { name: "a client that has spent its rate", path: `/dot/${KEYS.poor}`, before: (url) => spend(url, ...STATE), status: 429, code: -32999, run: (client) => client.call(...STATE) },
  { name: "a method outside the plan", path: `/dot/${KEYS.modest}`, status: 403, code: -32601, run: (client) => client.call(...STATE) },
  { name: "a key that is not valid", path: `/dot/${KEYS.unknown}`, status: 401, code: -32600, run: (client) => client.call(...STATE) },
];

/** After the last node died. `raw` is a signed transaction. */
export const abandoned = (raw) => [
  { name: "a read without any node", status: 503, code: -32002, run: (client) => client.call("eth_getBalance", [SOMEBODY, "latest"]) },
  { name: "a write without any node", status: 503, code: -32002, run: (client) => client.call("eth_sendRawTransaction", [raw]) },
];
