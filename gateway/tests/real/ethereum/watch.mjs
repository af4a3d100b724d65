// What an Ethereum client does while nodes are broken: it reads and writes all the time, and every
// answer is the reference node's.

import assert from "node:assert/strict";

import { plain, same } from "../check.mjs";
import { Watch } from "../watch.mjs";
import { SETTLED } from "./node.mjs";
import { write } from "./tour.mjs";

/** A block that is this far behind the chain is not the newest any more: max(3 block times, 12 s), and a margin for a busy machine. */
const STALE = 12 + 5;

export class EthereumWatch extends Watch {
  writes = 0;
  trails = 0;

  constructor(pair, chain, account) {
    super(pair.name, pair.gateway, { waits: ["mined"] });
    Object.assign(this, { chain, account, pair: { ...pair, gateway: this.client } });
    this.start(() => this.#read(), () => this.#write());
  }

  circumstances() {
    return `block ${this.chain.log.length}, ${this.chain.state()}`;
  }

  async #read() {
    const { pair, chain } = this;
    const before = chain.log.length;
    const number = await pair.gateway.blockNumber();
    this.newer("the block number", number);
    this.trails = Math.max(this.trails, before - number);
    assert.ok(before - number <= STALE, `block ${number} was sold as the newest at ${before}`);
    const latest = await pair.gateway.block("latest", false);
    this.newer("the latest block", Number(latest.number));
    assert.equal(latest.hash, chain.log[Number(latest.number) - 1].hash, "the latest block is the chain's own");
    this.newer("the newest state", await pair.gateway.height());
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
