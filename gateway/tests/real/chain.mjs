// One chain on several anvils, which know nothing of each other: this driver is their network.
// Every tick hands the transactions that any node took to all of them, and has each mine the same
// block. Equal genesis, timestamps and transactions make equal hashes; that is checked at each tick.

import { until } from "./anvil.mjs";

const FIRST_TIMESTAMP = 1_700_000_000;

export class Chain {
  /** The mined blocks: `{ timestamp, raws, hash }`, block 1 first. */
  log = [];
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
    let failure = null;
    const loop = async () => {
      while (running) {
        const started = Date.now();
        await this.tick();
        await new Promise((done) => setTimeout(done, Math.max(0, ms - (Date.now() - started))));
      }
    };
    const ended = loop().catch((error) => (failure = error));
    return async () => {
      running = false;
      await ended;
      if (failure) throw failure;
    };
  }

  tick() {
    return this.between(async () => {
      const live = this.all.filter((node) => node.state === "up");
      const raws = await pooled(live);
      const block = { timestamp: FIRST_TIMESTAMP + this.log.length + 1, raws };
      // The reference is never behind what the gateway can have shown.
      block.hash = await mine(this.reference, block);
      this.log.push(block);
      await Promise.all(live.filter((node) => node !== this.reference).map((node) => mine(node, block)));
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
    return until(`block ${height}`, count * 5_000, () => this.log.length >= height);
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
      for (const block of this.log.slice(head)) await mine(node, block);
      node.state = "up";
    });
  }
}

/** The signed transactions that wait at any of the nodes, in an order that depends on nothing else. */
async function pooled(nodes) {
  const found = new Map();
  for (const node of nodes) {
    const { pending } = await node.rpc("txpool_content");
    for (const [sender, byNonce] of Object.entries(pending)) {
      for (const [nonce, { hash }] of Object.entries(byNonce)) {
        const key = `${sender} ${nonce.padStart(8, "0")}`;
        if (!found.has(key)) found.set(key, await node.rpc("eth_getRawTransactionByHash", [hash]));
      }
    }
  }
  return [...found.keys()].sort().map((key) => found.get(key));
}

/** Mines `block` with exactly its transactions, in their order; gives its hash, which must be the known one. */
async function mine(node, block) {
  // With one transaction there is no order to enforce, and its node need not forget it for a moment.
  if (block.raws.length > 1) await node.rpc("anvil_dropAllTransactions");
  for (const raw of block.raws) {
    await node.rpc("eth_sendRawTransaction", [raw]).catch((error) => {
      if (!/already imported/.test(error.message)) throw error;
    });
  }
  await node.rpc("evm_setNextBlockTimestamp", [block.timestamp]);
  await node.rpc("evm_mine");
  const { hash } = await node.rpc("eth_getBlockByNumber", ["latest", false]);
  if (block.hash && hash !== block.hash) throw new Error(`the test's own chain split: ${node.name} mined ${hash}, not ${block.hash}`);
  return hash;
}
