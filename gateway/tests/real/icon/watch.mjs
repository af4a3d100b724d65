// What an ICON client does while nodes are broken.

import assert from "node:assert/strict";

import { same } from "../check.mjs";
import { Watch } from "../watch.mjs";
import { BOB, HEIGHT, write } from "./tour.mjs";

/** A block that is this far behind the chain is not the newest any more: 12 s. */
const STALE = 12;

export class IconWatch extends Watch {
  writes = 0;

  constructor(pair, simnodes) {
    super(pair.name, pair.gateway);
    Object.assign(this, { simnodes, pair: { ...pair, gateway: this.client } });
    this.start(() => this.#read(), () => this.#write());
  }

  circumstances() {
    return this.simnodes.state();
  }

  async #read() {
    const { pair, client, simnodes } = this;
    const before = await simnodes.height();
    const last = await client.block("latest");
    this.newer("the last block", last.height);
    assert.ok(before - last.height <= STALE, `block ${last.height} was sold as the last at ${before}`);
    this.newer("the newest state", Number(await client.call(HEIGHT, "get")));
    this.newer("the network's newest", Number((await client.network()).latest));
    await same(pair, "block", last.height - 1);
    await same(pair, "balance", BOB, last.height - 1);
    assert.equal(Number(await client.call(HEIGHT, "get", last.height - 1)), last.height - 1);
    await client.estimate(BOB);
  }

  async #write() {
    await write(this.pair);
    this.writes += 1;
  }
}
