// The gateway under test: a child process with a config of its own.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, openSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { freePort, until } from "./node.mjs";

/** Where operators are served when nothing is configured. */
export const ADMIN_PORT = 9545;

/** Small bounds, so that a test can reach them. */
export const MAX_BATCH = 50;
export const MAX_BODY = 128 * 1024;

export class Gateway {
  /**
   * Serves `nodes` from the zone `zone`; `chain` has the keys of a chain in a config, but for its pools;
   * `limits` are more lines of `[limits]`.
   */
  static async start(chain, nodes, zone, limits = "") {
    const folder = mkdtempSync(join(tmpdir(), "headrace-real-"));
    const [port, admin] = [await freePort(), await freePort()];
    const config = join(folder, "headrace.toml");
    writeFileSync(config, configText(chain, nodes, zone, limits, port, admin));
    const gateway = new Gateway(folder, port, ["run", config]);
    gateway.admin = `http://127.0.0.1:${admin}`;
    await gateway.ready();
    return gateway;
  }

  /** Serves `nodes` without any file, as the README shows it. */
  static async bare(nodes) {
    const port = await freePort();
    const args = ["run", "--listen", `127.0.0.1:${port}`, ...nodes.flatMap((node) => ["--node", node.url])];
    const gateway = new Gateway(mkdtempSync(join(tmpdir(), "headrace-real-")), port, args);
    await gateway.ready();
    return gateway;
  }

  constructor(folder, port, args) {
    Object.assign(this, { folder, url: `http://127.0.0.1:${port}` });
    this.log = join(folder, "headrace.log");
    const log = openSync(this.log, "a");
    this.process = spawn(process.env.HEADRACE_BIN, args, { stdio: ["ignore", log, log], cwd: folder });
    this.process.on("error", (error) => (this.failed = error));
  }

  ready() {
    return until(`the gateway is ready; its log is ${this.log}`, 15_000, async () => {
      if (this.failed) throw this.failed;
      if (this.process.exitCode !== null) throw new Error(`the gateway ended with ${this.process.exitCode}; its log is ${this.log}`);
      return fetch(`${this.url}/readyz`).then((response) => response.ok, () => false);
    });
  }

  /** Ends it by a signal, SIGTERM by default; gives the exit code. */
  async stop(signal = "SIGTERM") {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return this.process.exitCode;
    const gone = once(this.process, "exit");
    this.process.kill(signal);
    const patience = setTimeout(() => this.process.kill("SIGKILL"), 10_000);
    const [code] = await gone;
    clearTimeout(patience);
    return code;
  }
}

function configText(chain, nodes, zone, limits, port, admin) {
  const pools = [...new Set(nodes.map((node) => node.zone))].map((name) => {
    const members = nodes.filter((node) => node.zone === name).map((node) => `  { name = "${node.name}", http = "${node.url}" },\n`);
    return `[[chains.pools]]\nzone = "${name}"\nnodes = [\n${members.join("")}]\n`;
  });
  return `[server]
listen = ["127.0.0.1:${port}"]
zone = "${zone}"
drain = "0s"

[admin]
listen = "127.0.0.1:${admin}"

[limits]
batch = ${MAX_BATCH}
body = "${MAX_BODY / 1024}KiB"
${limits}

[log]
access = "access.log"

[[chains]]
${Object.entries(chain).map(([key, value]) => `${key} = ${JSON.stringify(value)}`).join("\n")}

${pools.join("\n")}`;
}
