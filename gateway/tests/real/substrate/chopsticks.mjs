// chopsticks as a node: the real runtime of a parachain, offline, with a block when it is told to.
// Equal transactions make equal blocks, see lockstep.cjs.
//
// Its head is final at once; `dev_*` methods are for the driver and never go through the gateway.

import { fileURLToPath } from "node:url";

import { Node } from "../node.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** What chopsticks calls the genesis block, whatever the chain. */
export const GENESIS = `0x${"45".repeat(32)}`;

/** What every account has at first. */
const FREE = "1000000000000000";

export class Chopsticks extends Node {
  /** It compiles a runtime first. */
  patience = 120_000;
  callPatience = 60_000;

  command() {
    const program = here("node_modules/@acala-network/chopsticks/chopsticks.cjs");
    const options = ["--chain-spec", process.env.CHAIN_SPEC, "--host", "127.0.0.1", "--port", `${this.port}`, "--build-block-mode", "Manual"];
    return { program: process.execPath, args: ["-r", here("lockstep.cjs"), program, ...options], stdio: "ignore", cwd: here(".") };
  }

  /** It makes block 1 as it starts. */
  async serves() {
    await this.rpc("chain_getHeader");
    await this.rpc("dev_setStorage", [{ System: { Account: this.endowed.map((address) => [[address], { providers: 1, data: { free: FREE } }]) } }]);
  }

  async height() {
    return Number((await this.rpc("chain_getHeader")).number);
  }

  /** Its own word for a transaction is the bytes. */
  async pool() {
    return (await this.rpc("author_pendingExtrinsics")).map((raw) => ({ place: raw, hash: raw, raw }));
  }

  async lead(block) {
    block.hash = await this.#mine(block);
  }

  async follow(block) {
    return (await this.#mine(block)) === block.hash;
  }

  /** What it holds from before a fault comes into a block or waits on, and changes none. */
  async forget() {}

  #mine({ waiting }) {
    return this.rpc("dev_newBlock", waiting.length > 0 ? [{ transactions: waiting.map(({ raw }) => raw) }] : []);
  }
}
