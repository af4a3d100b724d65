// What a Substrate client does while nodes are broken.

import assert from "node:assert/strict";

import { same } from "../check.mjs";
import { Watch } from "../watch.mjs";
import { write } from "./tour.mjs";

/** A block that is this far behind the chain is not the newest any more. */
const STALE = 6;

export class SubstrateWatch extends Watch {
  writes = 0;

  constructor(pair, chain, address) {
    super(pair.name, pair.gateway, { pause: 500 });
    Object.assign(this, { chain, address, pair: { ...pair, gateway: this.client } });
    this.start(() => this.#read(), () => this.#write());
  }

  circumstances() {
    return `block ${this.chain.height()}, ${this.chain.state()}`;
  }

  async #read() {
    const { pair, chain, client } = this;
    const before = chain.height();
    const head = await client.head();
    this.newer("the newest header", head.number);
    assert.ok(before - head.number <= STALE, `block ${head.number} was sold as the newest at ${before}`);
    assert.equal(head.parent, chain.hash(head.number - 1), "the newest header is the chain's own");
    this.newer("the newest storage", await client.blockNumber());
    const final = await client.finalized();
    this.newer("the final header", final.number, "final");
    const hash = await client.hashAt(head.number);
    assert.equal(hash, chain.hash(head.number));
    await same(pair, "block", hash);
    await same(pair, "balance", this.address, hash);
    assert.equal(await same(pair, "blockNumber", hash), head.number);
  }

  async #write() {
    await write(this.pair, this.chain, `remark ${this.writes}`);
    this.writes += 1;
  }
}
