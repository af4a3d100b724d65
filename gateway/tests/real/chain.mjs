// One chain on several nodes, which know nothing of each other: this driver is their network.
// At every tick the reference node makes a block of the transactions that any node took, and the
// others take it over. That all have the same block is checked at each tick.

import { until } from "./node.mjs";

const FIRST_TIMESTAMP = 1_700_000_000;

export class Chain {
  /**
   * The mined blocks: `{ timestamp, fork, waiting, hash, … }`, the one after `base` first. `fork` counts the reorgs, `waiting` is
   * what may be in the block, and the rest is for the nodes, which make and take over blocks.
   */
  log = [];
  /** What ended the ticks before their time. */
  failure = null;
  #last = Promise.resolve();
  #fork = 0;

  /** `base` is the height at which every node starts. */
  constructor(reference, nodes, base = 0) {
    Object.assign(this, { reference, nodes, all: [reference, ...nodes], base });
  }

  height() {
    return this.base + this.log.length;
  }

  hash(number) {
    return this.log[number - this.base - 1].hash;
  }

  /** Runs `work` while no tick runs: what is sent meanwhile is mined by every node alike. */
  between(work) {
    const result = this.#last.then(work);
    this.#last = result.catch(() => {});
    return result;
  }

  /** Mines every `ms`, until the function it gives is called. */
  run(ms) {
    let running = true;
    const loop = async () => {
      while (running) {
        const started = Date.now();
        await this.tick();
        await new Promise((done) => setTimeout(done, Math.max(0, ms - (Date.now() - started))));
      }
    };
    const ended = loop().catch((error) => (this.failure = error));
    return async () => {
      running = false;
      await ended;
    };
  }

  tick() {
    return this.between(() => this.#grow());
  }

  /** Replaces the newest `depth` blocks by other ones and adds one; all nodes are up. Gives what was replaced. */
  reorg(depth) {
    return this.between(async () => {
      const replaced = this.log.splice(-depth);
      this.#fork += 1;
      for (let i = 0; i <= depth; i++) await this.#grow();
      return replaced;
    });
  }

  async #grow() {
    const live = this.all.filter((node) => node.state === "up");
    const block = { timestamp: FIRST_TIMESTAMP + this.log.length + 1, fork: this.#fork, waiting: await pooled(live) };
    // The reference is never behind what the gateway can have shown.
    await this.reference.lead(block, this.log);
    this.log.push(block);
    await Promise.all(live.filter((node) => node !== this.reference).map((node) => this.#follow(node, [block])));
  }

  /** The faults that are on, in words. */
  state() {
    const broken = this.nodes.filter((node) => node.state !== "up");
    return broken.map((node) => `${node.name} ${node.state}`).join(", ") || "all nodes up";
  }

  /** Waits for `count` more blocks. */
  blocks(count) {
    const height = this.log.length + count;
    return until(`block ${height}`, count * 30_000, () => {
      if (this.failure) throw this.failure;
      return this.log.length >= height;
    });
  }

  /** Left out of the ticks from now on. */
  leaveBehind(node) {
    return this.between(() => (node.state = "behind"));
  }

  kill(node) {
    return this.between(() => node.kill());
  }

  hang(node) {
    return this.between(() => node.hang());
  }

  /** Brings a node back, whatever was done to it, and replays what it missed. The others go on until it is nearly there. */
  async heal(node) {
    if (node.state === "dead") {
      await node.start("behind");
      await followAll(node, await this.#missed(node));
    }
    await this.between(async () => {
      if (node.state === "hung") node.resume();
      await node.forget();
      await this.#follow(node, await this.#missed(node));
      node.state = "up";
    });
  }

  async #missed(node) {
    return this.log.slice((await node.height()) - this.base);
  }

  /** Has `node` take over these blocks. What a stopped node finds in its sockets when it goes on can slip into one: it begins anew, then. */
  async #follow(node, blocks) {
    if (await followAll(node, blocks)) return;
    await node.kill();
    await node.start();
    if (!(await followAll(node, this.log))) fail(`the test's own chain split at ${node.name}`);
  }
}

/** The signed transactions that wait at any of the nodes, in an order that depends on nothing else. */
async function pooled(nodes) {
  const pools = await Promise.all(nodes.map((node) => node.pool()));
  const found = new Map(pools.flat().map(({ place, hash, raw }) => [place, { hash, raw }]));
  return [...found.keys()].sort().map((place) => found.get(place));
}

/** False when a block came out as another one. */
async function followAll(node, blocks) {
  for (const block of blocks) {
    if (!(await node.follow(block))) return false;
  }
  return true;
}

function fail(why) {
  throw new Error(why);
}
