// A client at work while nodes die, hang and fall behind, whatever the family. It must not notice: no
// call fails, and the newest block never goes back. What it does is the family's to say.

import assert from "node:assert/strict";

import { check, describe } from "./check.mjs";

export class Watch {
  calls = 0;
  problems = [];
  slowest = { ms: 0, op: "none" };
  #newest = new Map();
  #running = true;

  /** `client` maps operations to functions; `waits` are those that take their time by nature, `pause` is between two rounds. */
  constructor(name, client, { waits = [], pause = 50 } = {}) {
    Object.assign(this, { name, pause });
    this.client = Object.fromEntries(Object.entries(client).map(([op, call]) => [op, this.#measured(op, call, waits.includes(op))]));
  }

  /** Does each of these jobs over and over. */
  start(...jobs) {
    this.ended = Promise.all(jobs.map((job) => this.#forever(job)));
    return this;
  }

  /** Ends after the calls that are under way. */
  async stop() {
    this.#running = false;
    await this.ended;
  }

  /** When and under what circumstances a problem came up. */
  circumstances() {
    return "";
  }

  /** This height is not below the one seen last, of the same kind. */
  newer(what, number, kind = "head") {
    const newest = this.#newest.get(kind) ?? 0;
    assert.ok(number >= newest, `${what} went back from ${newest} to ${number}`);
    this.#newest.set(kind, number);
  }

  forget() {
    Object.assign(this, { problems: [], slowest: { ms: 0, op: "none" } });
  }

  async #forever(job) {
    while (this.#running) {
      try {
        await job();
      } catch (error) {
        this.problems.push(`${this.circumstances()}: ${describe(error)}`);
      }
      await new Promise((done) => setTimeout(done, this.pause));
    }
  }

  #measured(op, call, waits) {
    return async (...args) => {
      const started = Date.now();
      const result = await call(...args);
      const ms = Date.now() - started;
      this.calls += 1;
      if (!waits && ms > this.slowest.ms) this.slowest = { ms, op };
      return result;
    };
  }
}

/** A check that nobody had a problem during `work`. */
export async function unnoticed(name, watches, work) {
  await check(`no client notices: ${name}`, async () => {
    for (const watch of watches) watch.forget();
    await work();
    const problems = watches.flatMap((watch) => watch.problems.map((problem) => `${watch.name}: ${problem}`));
    assert.equal(problems.length, 0, `${problems.length} problems\n${problems.slice(0, 5).join("\n")}`);
    return `slowest ${watches.map(({ slowest: { ms, op } }) => `${op} ${ms} ms`).join(", ")}`;
  });
}
