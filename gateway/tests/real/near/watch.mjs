// What a NEAR client does while nodes are broken.

import assert from "node:assert/strict";

import { same } from "../check.mjs";
import { Watch } from "../watch.mjs";
import { write } from "./tour.mjs";

/** A block that is so many heights behind the chain is not the newest any more: 12 s. */
const STALE = 20;

export class NearWatch extends Watch {
  writes = 0;

  constructor(pair, simnodes) {
    super(pair.name, pair.gateway, { waits: ["send", "status"] });
    Object.assign(this, { simnodes, pair: { ...pair, gateway: this.client } });
    this.start(() => this.#read(), () => this.#write());
  }

  circumstances() {
    return this.simnodes.state();
  }

  async #read() {
    const { pair, client, simnodes } = this;
    const before = await simnodes.height();
    const block = await client.block("optimistic");
    this.newer("the newest block", block.height);
    assert.ok(before - block.height <= STALE, `block ${block.height} was sold as the newest at ${before}`);
    this.newer("the newest state", await client.call("height.sim", "get", "optimistic"));
    const final = await client.block("final");
    this.newer("the final block", final.height, "final");
    this.newer("the final state", await client.call("height.sim", "get", "final"), "final");
    this.newer("the status", await client.newest(), "status");
    await same(pair, "block", final.height);
    await same(pair, "block", final.hash);
    await same(pair, "amount", "alice.sim", final.height);
    assert.equal(await client.call("height.sim", "get", final.hash), final.height);
    await client.gasPrice(null);
  }

  async #write() {
    await write(this.pair);
    this.writes += 1;
  }
}
