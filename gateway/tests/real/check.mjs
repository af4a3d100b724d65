// Named checks: each is one line of the report, and one failure does not end the run.

import assert from "node:assert/strict";

export const tally = { passed: 0, failed: 0 };

export async function check(name, work) {
  try {
    const note = await work();
    tally.passed += 1;
    console.log(`ok      ${name}${typeof note === "string" ? ` (${note})` : ""}`);
  } catch (error) {
    tally.failed += 1;
    console.log(`FAILED  ${name}\n        ${describe(error).replaceAll("\n", "\n        ")}`);
  }
}

/** What a client shows of an error, cut to what helps. */
export function describe(error) {
  const text = error?.code === "ERR_ASSERTION" ? error.message : `${error?.stack ?? error}`;
  return text.length > 1500 ? `${text.slice(0, 1500)} …` : text;
}

/** The value with everything that JSON lacks as text: how two answers of one client are compared. */
export function plain(value) {
  return JSON.parse(JSON.stringify(value ?? null, (_, item) => (typeof item === "bigint" ? `${item}` : item)));
}

/** The client gets the same answer through the gateway as from the reference node. */
export async function same(pair, op, ...args) {
  const [got, wanted] = await Promise.all([pair.gateway[op](...args), pair.reference[op](...args)]);
  assert.deepEqual(plain(got), plain(wanted), `${pair.name}: ${op}(${args.join(", ")}) differs from the reference node's answer`);
  return got;
}
