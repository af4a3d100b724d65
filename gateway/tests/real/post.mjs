// JSON-RPC as bytes: what no client library lets one see.

/** Sends a body as it is, or a value as JSON; gives the status, the text, and what the text says. */
export async function post(url, body) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const response = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body: text, signal: AbortSignal.timeout(20_000) });
  const answer = await response.text();
  return { status: response.status, text: answer, json: answer === "" ? undefined : JSON.parse(answer) };
}

/** One call; gives the status, and the reply's members. */
export async function call(url, method, params, id = 1) {
  const { status, text, json } = await post(url, { jsonrpc: "2.0", id, method, params });
  if (json.id !== id) throw new Error(`${method}: the reply to id ${id} is ${text.slice(0, 300)}`);
  return { status, ...json };
}
