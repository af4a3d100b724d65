// One chain on several anvils, which know nothing of each other: this driver is their network.
// Every tick hands the transactions that any node took to all of them, and has each mine the same
// block. Equal genesis, timestamps and transactions make equal hashes; that is checked at each tick.

import { until } from "./anvil.mjs";

/**
 * State is compared this far below the newest block: while anvil mines a block, a call at the one
 * before it can already see the new state (measured: 81 of 3,151 calls).
 */
export const SETTLED = 2;

const FIRST_TIMESTAMP = 1_700_000_000;

export class Chain {
  /** The mined blocks: `{ timestamp, waiting, hash }`, block 1 first; `waiting` is what is in it. */
  log = [];
  /** What ended the ticks before their time. */
  failure = null;
  #last = Promise.resolve();

  constructor(reference, nodes) {
    Object.assign(this, { reference, nodes, all: [reference, ...nodes] });
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
    return this.between(async () => {
      const live = this.all.filter((node) => node.state === "up");
      const block = { timestamp: FIRST_TIMESTAMP + this.log.length + 1, waiting: await pooled(live) };
      // The reference is never behind what the gateway can have shown.
      await lead(this.reference, block);
      this.log.push(block);
      await Promise.all(live.filter((node) => node !== this.reference).map((node) => this.#follow(node, [block])));
    });
  }

  /** The faults that are on, in words. */
  state() {
    const broken = this.nodes.filter((node) => node.state !== "up");
    return broken.map((node) => `${node.name} ${node.state}`).join(", ") || "all nodes up";
  }

  /** Waits for `count` more blocks. */
  blocks(count) {
    const height = this.log.length + count;
    return until(`block ${height}`, count * 5_000, () => {
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

  /** Brings a node back, whatever was done to it, and replays what it missed. */
  heal(node) {
    return this.between(async () => {
      if (node.state === "dead") await node.start();
      if (node.state === "hung") node.resume();
      await node.rpc("anvil_dropAllTransactions");
      const head = Number(await node.rpc("eth_blockNumber"));
      await this.#follow(node, this.log.slice(head));
      node.state = "up";
    });
  }

  /** Has `node` mine these blocks. What a stopped node finds in its sockets when it goes on can slip into one: it begins anew, then. */
  async #follow(node, blocks) {
    if (await mineAll(node, blocks)) return;
    await node.kill();
    await node.start();
    if (!(await mineAll(node, this.log))) fail(`the test's own chain split at ${node.name}`);
  }
}

/** The signed transactions that wait at any of the nodes, in an order that depends on nothing else. */
async function pooled(nodes) {
  const found = new Map();
  for (const node of nodes) {
    const { pending } = await node.rpc("txpool_content");
    for (const [sender, byNonce] of Object.entries(pending)) {
      for (const [nonce, { hash }] of Object.entries(byNonce)) {
        const raw = await node.rpc("eth_getRawTransactionByHash", [hash]);
        if (raw) found.set(`${sender} ${nonce.padStart(8, "0")} ${hash}`, { hash, raw });
      }
    }
  }
  return [...found.keys()].sort().map((key) => found.get(key));
}

/** Mines a block of `block.waiting` at the reference node, which decides what is in it. */
async function lead(node, block) {
  const mined = await mine(node, block);
  block.hash = mined.hash;
  block.waiting = mined.transactions.map((hash) => block.waiting.find((one) => one.hash === hash) ?? fail(`the reference node took ${hash} from elsewhere`));
}

/** False when a block came out as another one. */
async function mineAll(node, blocks) {
  for (const block of blocks) {
    if ((await mine(node, block)).hash !== block.hash) return false;
  }
  return true;
}

async function mine(node, block) {
  // With one transaction there is no order to enforce, and its node need not forget it for a moment.
  if (block.waiting.length > 1) await node.rpc("anvil_dropAllTransactions");
  for (const { raw } of block.waiting) {
    // It may have it already, or have mined it before; the block's hash shows whether that is right.
    await node.rpc("eth_sendRawTransaction", [raw]).catch(() => {});
  }
  await node.rpc("evm_setNextBlockTimestamp", [block.timestamp]);
  await node.rpc("evm_mine");
  return node.rpc("eth_getBlockByNumber", ["latest", false]);
}

function fail(why) {
  throw new Error(why);
}
