// A client at work while nodes die, hang and fall behind. It must not notice: no call fails, the
// newest block never goes back, and every answer is the reference node's.

import assert from "node:assert/strict";

import { SETTLED } from "./chain.mjs";
import { describe, plain, same } from "./check.mjs";
import { write } from "./tour.mjs";

/** A block that is this far behind the chain is not the newest any more: max(3 block times, 12 s), and a margin for a busy machine. */
const STALE = 12 + 5;

export class Watch {
  calls = 0;
  writes = 0;
  problems = [];
  slowest = { ms: 0, op: "none" };
  trails = 0;
  #newest = 0;
  #running = true;

  constructor(pair, chain, account) {
    this.chain = chain;
    this.account = account;
    const gateway = Object.fromEntries(Object.entries(pair.gateway).map(([op, call]) => [op, this.#measured(op, call)]));
    this.pair = { ...pair, gateway };
    this.ended = Promise.all([this.#forever(() => this.#read()), this.#forever(() => this.#write())]);
  }

  /** Ends after the calls that are under way. */
  async stop() {
    this.#running = false;
    await this.ended;
  }

  /** The slowest call since the last time this was asked. */
  takeSlowest() {
    const slowest = this.slowest;
    this.slowest = { ms: 0, op: "none" };
    return slowest;
  }

  async #forever(work) {
    while (this.#running) {
      try {
        await work();
      } catch (error) {
        this.problems.push(`block ${this.chain.log.length}, ${this.chain.state()}: ${describe(error)}`);
      }
      await new Promise((done) => setTimeout(done, 50));
    }
  }

  #measured(op, call) {
    return async (...args) => {
      const started = Date.now();
      const result = await call(...args);
      const ms = Date.now() - started;
      this.calls += 1;
      // Waiting for a transaction and taking a turn between blocks take their time by nature.
      if (op !== "mined" && ms > this.slowest.ms) this.slowest = { ms, op };
      return result;
    };
  }

  #newer(what, number) {
    assert.ok(number >= this.#newest, `${what} went back from ${this.#newest} to ${number}`);
    this.#newest = number;
  }

  async #read() {
    const { pair, chain } = this;
    const before = chain.log.length;
    const number = await pair.gateway.blockNumber();
    this.#newer("the block number", number);
    this.trails = Math.max(this.trails, before - number);
    assert.ok(before - number <= STALE, `block ${number} was sold as the newest at ${before}`);
    const latest = await pair.gateway.block("latest", false);
    this.#newer("the latest block", Number(latest.number));
    assert.equal(latest.hash, chain.log[Number(latest.number) - 1].hash, "the latest block is the chain's own");
    this.#newer("the newest state", await pair.gateway.height());
    await same(pair, "block", number, true);
    await same(pair, "balance", this.account, number - SETTLED);
    await same(pair, "get", number - SETTLED);
    await same(pair, "logs", Math.max(1, number - 5), number);
    const heights = [number, number - 1, number - 2];
    assert.deepEqual(plain(await pair.gateway.batch(heights)), heights.map((height) => chain.log[height - 1].hash), "a batch");
  }

  async #write() {
    await write(this.pair, this.chain, this.writes + 100);
    this.writes += 1;
  }
}
