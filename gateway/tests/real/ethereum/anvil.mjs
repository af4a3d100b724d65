// anvil as a node: it mines when it is told to. The driver hands every anvil the same transactions
// and the same timestamp, and equal genesis blocks make equal hashes from there.

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { EthereumNode } from "./node.mjs";

const PACKAGED = `node_modules/@foundry-rs/anvil-${process.platform}-${process.arch === "x64" ? "amd64" : process.arch}/bin/anvil`;

/** The anvil to use: `ANVIL_BIN`, else the one that the lock file pins. */
function binary() {
  const path = process.env.ANVIL_BIN ?? fileURLToPath(new URL(PACKAGED, import.meta.url));
  if (!existsSync(path)) throw new Error(`no anvil at ${path}; set ANVIL_BIN`);
  return path;
}

export class Anvil extends EthereumNode {
  /** Starts with the genesis block only. Nothing is written to disk but what `--prune-history` keeps off it. */
  command() {
    const options = "--no-mining --order fifo --timestamp 1700000000 --chain-id 1 --prune-history 512 --slots-in-an-epoch 2 --quiet";
    return { program: binary(), args: ["--host", "127.0.0.1", "--port", `${this.port}`, ...options.split(" ")], stdio: "ignore" };
  }

  /** It decides what is in the block. */
  async lead(block) {
    const mined = await this.#mine(block);
    block.hash = mined.hash;
    block.waiting = mined.transactions.map((hash) => block.waiting.find((one) => one.hash === hash) ?? fail(`the reference node took ${hash} from elsewhere`));
  }

  async follow(block) {
    return (await this.#mine(block)).hash === block.hash;
  }

  forget() {
    return this.rpc("anvil_dropAllTransactions");
  }

  async #mine(block) {
    // With one transaction there is no order to enforce, and its node need not forget it for a moment.
    if (block.waiting.length > 1) await this.forget();
    for (const { raw } of block.waiting) {
      // It may have it already, or have mined it before; the block's hash shows whether that is right.
      await this.rpc("eth_sendRawTransaction", [raw]).catch(() => {});
    }
    await this.rpc("evm_setNextBlockTimestamp", [block.timestamp]);
    await this.rpc("evm_mine");
    return this.rpc("eth_getBlockByNumber", ["latest", false]);
  }
}

function fail(why) {
  throw new Error(why);
}
