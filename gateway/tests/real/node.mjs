// One real node as the driver and the faults use it: a process, started and stopped by its
// pid. What kind of node it is, and how it gets its blocks, is its family's.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";

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

/**
 * A kind of node says how it is started (`command()`), when it serves (`serves()`), how far it is (`height()`)
 * and what waits in it (`pool()`, each transaction with its `place` in a block among the others), and has
 * `lead(block, log)`, which mines a block of the transactions in `block.waiting` and completes `block`,
 * `follow(block)`, which takes over a block that another one led, false if that came out otherwise, and
 * `forget()`, after which transactions from before a fault no longer wait in it.
 */
export class Node {
  /** `state` is `up`, `hung`, `behind` or `dead`: what the driver may ask of it. */
  state = "dead";
  /** How long it may take to start, in milliseconds. */
  patience = 20_000;
  /** How long it may take to answer. */
  callPatience = 10_000;

  constructor(name, zone, port) {
    Object.assign(this, { name, zone, port, url: `http://127.0.0.1:${port}` });
  }

  static async on(name, zone) {
    return new this(name, zone, await freePort());
  }

  async start(state = "up") {
    const { program, args, ...options } = this.command();
    this.process = spawn(program, args, options);
    await until(`${this.name} answers`, this.patience, () => this.serves().then(() => true, () => this.#ended()));
    this.state = state;
  }

  rpc(method, params = []) {
    return this.ask(this.url, {}, method, params);
  }

  async ask(url, headers, method, params) {
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
    const request = { method: "POST", headers: { "content-type": "application/json", ...headers }, body };
    const response = await fetch(url, { ...request, signal: AbortSignal.timeout(this.callPatience) });
    const reply = await response.json();
    if (reply.error) throw Object.assign(new Error(`${this.name} ${method}: ${reply.error.message}`), reply.error);
    return reply.result;
  }

  /** SIGKILL: connections are refused from now on. */
  async kill() {
    this.state = "dead";
    if (!this.process || this.#exited()) return;
    const gone = once(this.process, "exit");
    this.process.kill("SIGKILL");
    await gone;
  }

  /** Killed for good: nothing of it is left. */
  discard() {
    return this.kill();
  }

  /** SIGSTOP: connections are accepted by the kernel, and nothing answers. */
  hang() {
    this.state = "hung";
    this.process.kill("SIGSTOP");
  }

  resume() {
    this.process.kill("SIGCONT");
  }

  #exited() {
    return this.process.exitCode !== null || this.process.signalCode !== null;
  }

  #ended() {
    if (this.#exited()) throw new Error(`${this.name} ended with ${this.process.exitCode ?? this.process.signalCode} before it answered`);
  }
}
