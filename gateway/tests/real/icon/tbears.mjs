// tbears, ICON's own Python implementation with its blocks made by one process, behind `headrace run`. It runs
// on Python 3.7 only and needs a RabbitMQ server: where scripts/real.sh could install both, TBEARS names its
// virtual environment, else TBEARS_MISSING says what is missing and one line says that nothing was checked.
//
// All of it listens on loopback addresses and lives in a folder of its own; what it starts is known by that folder
// or by a variable in its environment, and is ended by process id.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomInt, randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, openSync, readFileSync, readdirSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { check, describe } from "../check.mjs";
import { Gateway } from "../gateway.mjs";
import { freePort, until } from "../node.mjs";
import { post } from "../post.mjs";
import { Python } from "../python.mjs";
import { OPS } from "./main.mjs";

const NID = 3;
const RABBIT = "/usr/lib/rabbitmq/bin/rabbitmq-server";
const RICH = `0x${(10n ** 26n).toString(16)}`;
const NOBODY = `hx${"b0".repeat(20)}`;
// Its nodes know no `height` in the params of reads, so the newest block cannot be written in.
const CHAIN = { name: "icon", family: "icon", identity: `0x${NID.toString(16)}`, block_time: "2s", pin: false };

export async function withTbears(run) {
  const missing = process.env.TBEARS ? null : (process.env.TBEARS_MISSING ?? "TBEARS does not name its virtual environment");
  if (missing) return notChecked(missing);
  const tbears = new Tbears();
  run.atTheEnd(() => tbears.stop());
  const python = new Python("icon", "icon_client.py", { key: "7b".repeat(32), nid: NID, steps: 1_000_000 });
  run.atTheEnd(() => python.close());
  try {
    await tbears.start(await python.client("http://127.0.0.1:1", ["address"]).address());
  } catch (error) {
    return notChecked(`it did not start: ${describe(error).split("\n")[0]}`);
  }
  const gateway = run.direct ? null : run.owns(await Gateway.start(CHAIN, [{ name: "tbears", url: tbears.url, zone: "near" }], "near"));
  const client = (url) => python.client(url, OPS);
  await reads({ gateway: client(gateway?.url ?? tbears.url), reference: client(tbears.url) });
}

function notChecked(why) {
  console.log(`NOT CHECKED  the gateway in front of tbears: ${why}`);
}

async function reads({ gateway, reference }) {
  await check("tbears: blocks and balances are the node's", async () => {
    const last = await gateway.block("latest");
    assert.deepEqual(await gateway.block(last.height), await reference.block(last.height));
    assert.equal(BigInt(await gateway.balance(await gateway.address())), BigInt(RICH));
    assert.equal(await gateway.supply(), await reference.supply());
  });
  await check("tbears: blocks go on", async () => {
    const { height } = await gateway.block("latest");
    await until("a newer block", 20_000, async () => (await gateway.block("latest")).height > height);
  });
  await check("tbears: a signed transaction is sent and its result polled", async () => {
    const hash = await gateway.send(NOBODY);
    const said = new Set();
    const result = await until(`the result of ${hash}`, 30_000, async () => {
      const answer = await gateway.result(hash);
      if (answer.code === undefined) return answer;
      said.add(`${answer.code} ${answer.message}`);
      return null;
    });
    assert.equal(result.status, 1);
    assert.equal(BigInt(await gateway.balance(NOBODY)), 1n);
    return [...said].join(", ");
  });
}

class Tbears {
  mark = `HEADRACE_TBEARS=${randomUUID()}`;

  async start(rich) {
    this.folder = mkdtempSync(join(tmpdir(), "headrace-tbears-"));
    const [broker, port] = [await this.#rabbit(), await freePort()];
    this.url = `http://127.0.0.1:${port}`;
    writeFileSync(join(this.folder, "config.json"), JSON.stringify(config(port, broker, rich)));
    const here = fileURLToPath(new URL("tbears", import.meta.url));
    const path = [join(process.env.TBEARS, "bin"), here, process.env.PATH].join(":");
    this.#spawn("tbears", ["start", "-c", "config.json"], { PATH: path });
    await until("tbears serves", 90_000, () => post(`${this.url}/api/v3`, { jsonrpc: "2.0", id: 1, method: "icx_getLastBlock" }).then(({ json }) => json.result, () => null));
  }

  /** Gives the address of a RabbitMQ server of our own: tbears knows only the default port, so the address is a loopback one that nobody else uses. */
  async #rabbit() {
    const [dist, epmd] = [await freePort(), await freePort()];
    const address = `127.${randomInt(1, 255)}.${randomInt(1, 255)}.${randomInt(1, 255)}`;
    const at = (name) => join(this.folder, name);
    mkdirSync(at("rabbit"));
    this.#spawn(RABBIT, [], {
      HOME: at("rabbit"), HOSTNAME: "localhost", RABBITMQ_NODENAME: "headrace@localhost", RABBITMQ_NODE_IP_ADDRESS: address, RABBITMQ_NODE_PORT: "5672",
      RABBITMQ_DIST_PORT: `${dist}`, ERL_EPMD_ADDRESS: "127.0.0.1", ERL_EPMD_PORT: `${epmd}`, RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "-kernel inet_dist_use_interface {127,0,0,1}",
      RABBITMQ_MNESIA_BASE: at("rabbit"), RABBITMQ_LOG_BASE: at("rabbit"), RABBITMQ_PID_FILE: at("rabbit/pid"), RABBITMQ_ENABLED_PLUGINS_FILE: at("rabbit/plugins"),
      RABBITMQ_CONFIG_FILE: at("rabbit/none"), RABBITMQ_CONF_ENV_FILE: at("rabbit/none"),
    });
    await until("RabbitMQ serves", 90_000, () => readable(at("rabbit/headrace@localhost.log")).includes("Server startup complete"));
    return address;
  }

  #spawn(program, args, env) {
    const log = openSync(join(this.folder, "output.log"), "a");
    const [name, value] = this.mark.split("=");
    spawn(program, args, { cwd: this.folder, stdio: ["ignore", log, log], env: { ...process.env, ...env, [name]: value } }).on("error", () => {});
  }

  /** Ends every process of ours, and whatever those start meanwhile. */
  async stop() {
    if (!this.folder) return;
    await until("tbears is gone", 10_000, () => {
      const pids = processes(this.mark, this.folder);
      for (const pid of pids) kill(pid);
      return pids.length === 0;
    });
    if (!process.env.KEEP) rmSync(this.folder, { recursive: true });
  }
}

function readable(path, read = (file) => readFileSync(file, "latin1")) {
  try {
    return read(path);
  } catch {
    return "";
  }
}

/** Some overwrite their environment by a title, others leave the folder. */
function processes(mark, folder) {
  const pids = readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid);
  return pids.filter((pid) => readable(`/proc/${pid}/environ`).includes(mark) || readable(`/proc/${pid}/cwd`, readlinkSync) === folder).map(Number);
}

function kill(pid) {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has just ended by itself.
  }
}

function config(port, broker, rich) {
  const account = (name, address, balance) => ({ name, address, balance });
  const zeros = (digit) => `hx${digit}${"0".repeat(39)}`;
  return {
    // Without `host` it listens everywhere.
    host: "127.0.0.1", hostAddress: "127.0.0.1", port, amqpTarget: broker, amqpKey: "7100",
    scoreRootPath: "./.score", stateDbRootPath: "./.statedb",
    log: { logger: "tbears", level: "warning", filePath: "./tbears.log", outputType: "file" },
    service: { fee: false, audit: false, deployerWhiteList: false },
    builtinScoreOwner: rich,
    genesis: { nid: CHAIN.identity, accounts: [account("genesis", zeros("0"), "0x0"), account("fee_treasury", zeros("1"), "0x0"), account("test1", rich, RICH)] },
    blockConfirmInterval: 2, blockConfirmEmpty: true, blockGeneratorRotation: true, blockGenerateCountPerLeader: 10, blockManualConfirm: false,
    networkDelayMs: 500, mainPRepCount: 4, iissCalculatePeriod: 30, termPeriod: 30,
  };
}
