// One real Ethereum node: an anvil process, started and stopped by its pid.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";

const PACKAGED = `node_modules/@foundry-rs/anvil-${process.platform}-${process.arch === "x64" ? "amd64" : process.arch}/bin/anvil`;

/** The anvil to use: `ANVIL_BIN`, else the one that the lock file pins. */
export function anvilBinary() {
  const path = process.env.ANVIL_BIN ?? fileURLToPath(new URL(PACKAGED, import.meta.url));
  if (!existsSync(path)) throw new Error(`no anvil at ${path}; set ANVIL_BIN`);
  return path;
}

/** A port that nobody listens on now. */
export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** Whether nobody listens on this port. */
export async function isFree(port) {
  const server = createServer();
  const listening = once(server, "listening").then(() => true, () => false);
  server.listen(port, "127.0.0.1");
  const free = await listening;
  server.close();
  return free;
}

/** Waits until `condition()` is truthy and gives its value; fails after `ms`. */
export async function until(what, ms, condition) {
  const deadline = Date.now() + ms;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`waited ${ms} ms in vain: ${what}`);
    await new Promise((done) => setTimeout(done, 25));
  }
}

export class Node {
  /** `state` is `up`, `hung`, `behind` or `dead`: what the driver may ask of it. */
  state = "dead";

  constructor(name, zone, port) {
    Object.assign(this, { name, zone, port, url: `http://127.0.0.1:${port}` });
  }

  static async on(name, zone) {
    return new Node(name, zone, await freePort());
  }

  /** Starts with the genesis block only. Nothing is written to disk but what `--prune-history` keeps off it. */
  async start() {
    const options = "--no-mining --order fifo --timestamp 1700000000 --chain-id 1 --prune-history 512 --slots-in-an-epoch 2 --quiet";
    this.process = spawn(anvilBinary(), ["--host", "127.0.0.1", "--port", `${this.port}`, ...options.split(" ")], { stdio: "ignore" });
    await until(`${this.name} answers`, 20_000, () => this.rpc("eth_chainId").catch(() => null));
    this.state = "up";
  }

  async rpc(method, params = []) {
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
    const headers = { "content-type": "application/json" };
    const response = await fetch(this.url, { method: "POST", headers, body, signal: AbortSignal.timeout(10_000) });
    const reply = await response.json();
    if (reply.error) throw Object.assign(new Error(`${this.name} ${method}: ${reply.error.message}`), reply.error);
    return reply.result;
  }

  /** SIGKILL: connections are refused from now on. */
  async kill() {
    this.state = "dead";
    if (!this.process || this.process.exitCode !== null || this.process.signalCode !== null) return;
    const gone = once(this.process, "exit");
    this.process.kill("SIGKILL");
    await gone;
  }

  /** SIGSTOP: connections are accepted by the kernel, and nothing answers. */
  hang() {
    this.state = "hung";
    this.process.kill("SIGSTOP");
  }

  resume() {
    this.process.kill("SIGCONT");
  }
}
