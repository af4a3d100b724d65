// Simulated nodes, where no real node of a family can be had: one process with all nodes of a chain,
// which are broken through its control port. What they answer is told by `simnode --help`.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

import { freePort } from "./node.mjs";

export class Simnodes {
  /** Starts `count` nodes, of which the first keeps everything. */
  static async start(family, count, options) {
    const simnodes = new Simnodes();
    simnodes.control = `http://127.0.0.1:${await freePort()}`;
    const args = ["--family", family, "--nodes", `${count}`, "--port", "0", "--control", simnodes.control.slice("http://".length), "--archive", "1"];
    simnodes.process = spawn(process.env.SIMNODE_BIN, [...args, ...options], { stdio: ["ignore", "pipe", "inherit"] });
    simnodes.nodes = [];
    // Its lines tell that it serves: a name and a URL each, the control port's last.
    for await (const line of createInterface({ input: simnodes.process.stdout })) {
      const [name, url] = line.split(" ");
      if (name === "control") return simnodes;
      simnodes.nodes.push({ name, url, zone: "near", state: "up" });
    }
    throw new Error("the simulated nodes ended before they served");
  }

  /** See `simnode --help` for the kinds of faults and their members. */
  async breaks(node, fault) {
    await this.#ask(node, { method: "POST", body: JSON.stringify({ fault }) });
    node.state = fault.kind;
  }

  async heal(node) {
    await this.#ask(node, { method: "DELETE" });
    node.state = "up";
  }

  /** The height of the chain, which no node is above. */
  async height() {
    const { chain } = await (await fetch(`${this.control}/state`)).json();
    return chain.head.number;
  }

  /** The faults that are on, in words. */
  state() {
    return this.nodes.filter((node) => node.state !== "up").map((node) => `${node.name} ${node.state}`).join(", ") || "all nodes up";
  }

  async stop() {
    if (this.process.exitCode !== null) return;
    const gone = once(this.process, "exit");
    this.process.kill("SIGKILL");
    await gone;
  }

  async #ask(node, request) {
    const response = await fetch(`${this.control}/nodes/${node.name}/faults`, request);
    if (!response.ok) throw new Error(`${node.name}: ${await response.text()}`);
  }
}
