// The operations of `tour.mjs` and `watch.mjs` by web3.py: a Python process does them, see web3_client.py.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const OPS = {
  chainId: "chain_id", blockNumber: "block_number", feeHistory: "fee_history",
  ...Object.fromEntries("block balance nonce code storage get height refuse fail estimate logs transaction receipt batch unknown sign publish mined".split(" ").map((op) => [op, op])),
};

export class Python {
  #waiting = new Map();
  #next = 0;

  /** `setup` is `{ key, contract, abi }`. */
  constructor(python, setup) {
    const script = fileURLToPath(new URL("web3_client.py", import.meta.url));
    this.process = spawn(python, [script, JSON.stringify(setup)], { stdio: ["pipe", "pipe", "inherit"] });
    this.process.on("exit", () => this.#fail("the Python process ended"));
    this.process.on("error", (error) => this.#fail(error.message));
    this.process.stdin.on("error", (error) => this.#fail(error.message));
    createInterface({ input: this.process.stdout }).on("line", (line) => this.#answer(JSON.parse(line)));
  }

  #answer({ id, result, error }) {
    const { resolve, reject } = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) resolve(result);
    else reject(new Error(error));
  }

  #fail(why) {
    for (const { reject } of this.#waiting.values()) reject(new Error(why));
    this.#waiting.clear();
  }

  ask(url, op, args) {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.process.stdin.write(`${JSON.stringify({ id, url, op, args })}\n`);
    });
  }

  /** The same operations as viem.mjs has. */
  client(url) {
    return Object.fromEntries(Object.entries(OPS).map(([name, op]) => [name, (...args) => this.ask(url, op, args)]));
  }

  /** As a program with web3.py's default settings. */
  defaults(url) {
    return { call: (method, params) => this.ask(url, "default_call", [method, params]), batch: (size) => this.ask(url, "default_batch", [size]) };
  }

  close() {
    this.process.kill("SIGKILL");
  }
}
