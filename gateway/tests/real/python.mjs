// A client library of Python as an object: a process does its operations, see lines.py.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** The Python that has the packages of a family, as scripts/real.sh installs them. */
export function interpreter(family) {
  return `${process.env.VENVS ?? here("../../../.tools")}/real-${family}/bin/python`;
}

export class Python {
  #waiting = new Map();
  #next = 0;

  /** Runs a script of a family's folder, which reads `setup`. */
  constructor(family, script, setup = {}) {
    const env = { ...process.env, PYTHONPATH: here("."), PYTHONDONTWRITEBYTECODE: "1" };
    this.process = spawn(interpreter(family), [here(`${family}/${script}`), JSON.stringify(setup)], { stdio: ["pipe", "pipe", "inherit"], env });
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
    this.failed = why;
    for (const { reject } of this.#waiting.values()) reject(new Error(why));
    this.#waiting.clear();
  }

  ask(kind, url, op, args) {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      if (this.failed) return reject(new Error(this.failed));
      this.#waiting.set(id, { resolve, reject });
      this.process.stdin.write(`${JSON.stringify({ id, kind, url, op, args })}\n`);
    });
  }

  /** A client of one URL with these operations; `kind` picks one of those that the script has. */
  client(url, ops, kind = "strict") {
    const snake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    return Object.fromEntries(ops.map((op) => [op, (...args) => this.ask(kind, url, snake(op), args)]));
  }

  close() {
    this.process.kill("SIGKILL");
  }
}
