// geth as a node, with a stand-in for its consensus layer: over the Engine API one geth builds each
// block, and all are told to execute it and to make it their head. They have no peers, so the driver
// is their network. Not a consensus client: nothing is signed and nobody votes.
//
// Engine API: https://github.com/ethereum/execution-apis/blob/main/src/engine/cancun.md

import { createHmac } from "node:crypto";
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { freePort } from "../node.mjs";
import { EthereumNode } from "./node.mjs";
import { FUNDED } from "./wallets.mjs";

/** Every block has a withdrawal of a gwei to it: its balance tells the height of a state. */
export const TELLTALE = "0x0000000000000000000000000000000000000777";
export const GWEI = 1_000_000_000n;
/** For how many of the newest blocks a full geth keeps the state. */
export const KEPT = 128;

const ZERO = `0x${"00".repeat(32)}`;
const NOBODY = `0x${"00".repeat(20)}`;
const SECRET = "5e".repeat(32);
/** What geth has to fill a block, once it is asked for one with transactions; a real one has seconds. */
const BUILD_MS = 100;
/** How far below the newest block a block is safe and finalized, as at an anvil with `--slots-in-an-epoch 2`. */
const SAFE_AFTER = 2;
const FINAL_AFTER = 4;

/** From its first block under the rules of Cancun, with the accounts that every anvil funds. */
const GENESIS = {
  config: {
    chainId: 1, homesteadBlock: 0, eip150Block: 0, eip155Block: 0, eip158Block: 0, byzantiumBlock: 0, constantinopleBlock: 0,
    petersburgBlock: 0, istanbulBlock: 0, berlinBlock: 0, londonBlock: 0, terminalTotalDifficulty: 0, shanghaiTime: 0, cancunTime: 0,
    blobSchedule: { cancun: { target: 3, max: 6, baseFeeUpdateFraction: 3338477 } },
  },
  timestamp: "0x6553f100", gasLimit: "0x1c9c380", difficulty: "0x0", baseFeePerGas: "0x3b9aca00",
  alloc: Object.fromEntries(FUNDED.map((address) => [address, { balance: "0x21e19e0c9bab2400000" }])),
};

/** No option closes the port for peers, a file does: nothing listens but HTTP and the Engine API, on 127.0.0.1. */
const CONFIG = `[Node]
IPCPath = ""
[Node.P2P]
ListenAddr = ""
MaxPeers = 0
NoDial = true
NoDiscovery = true
DiscoveryV4 = false
DiscoveryV5 = false
`;
const OPTIONS = "--ipcdisable --nat none --discovery.dns= --syncmode full --cache 64 --http --http.addr 127.0.0.1 --http.api eth,net,web3,txpool --authrpc.addr 127.0.0.1";

/** The geth to use, which scripts/geth.sh builds. */
function binary() {
  const path = process.env.GETH_BIN;
  if (!path || !existsSync(path)) throw new Error(`no geth at ${path}; set GETH_BIN, see scripts/geth.sh`);
  return path;
}

export class Geth extends EthereumNode {
  /** A `full` node forgets old states, an `archive` keeps them all. */
  static async on(name, zone, keeps = "full") {
    const node = Object.assign(await super.on(name, zone), { keeps });
    node.folder = mkdtempSync(join(tmpdir(), `headrace-geth-${name}-`));
    node.enginePort = await freePort();
    const files = { "genesis.json": JSON.stringify(GENESIS), jwt: SECRET, "geth.toml": CONFIG };
    for (const [file, text] of Object.entries(files)) writeFileSync(join(node.folder, file), text);
    return node;
  }

  /** Starts with what it had written to its folder when it ended. */
  command() {
    const at = (file) => join(this.folder, file);
    const files = ["--datadir", at("data"), "--config", at("geth.toml"), "--override.genesis", at("genesis.json"), "--authrpc.jwtsecret", at("jwt")];
    const state = this.keeps === "archive" ? ["--gcmode", "archive", "--state.scheme", "hash"] : [];
    const ports = ["--http.port", `${this.port}`, "--authrpc.port", `${this.enginePort}`];
    const log = openSync(at("geth.log"), "a");
    // The child has the log from here on.
    setImmediate(() => closeSync(log));
    // geth reads options from the environment, too.
    const env = { HOME: this.folder };
    return { program: binary(), args: [...files, ...state, ...OPTIONS.split(" "), ...ports], stdio: ["ignore", log, log], env };
  }

  async serves() {
    await Promise.all([this.rpc("eth_chainId"), this.#engine("engine_exchangeCapabilities", [])]);
  }

  async discard() {
    await this.kill();
    if (process.env.KEEP) console.log(`the data and log of ${this.name} are in ${this.folder}`);
    else rmSync(this.folder, { recursive: true });
  }

  /** Builds on the newest block of `log`. What it leaves out waits for the next block. */
  async lead(block, log) {
    for (const { raw } of block.waiting) {
      // It may have it already, or have it in a block.
      await this.rpc("eth_sendRawTransaction", [raw]).catch(() => {});
    }
    const onto = log.at(-1)?.choice ?? { headBlockHash: await this.#genesis(), safeBlockHash: ZERO, finalizedBlockHash: ZERO };
    const { payloadId } = await this.#valid("engine_forkchoiceUpdatedV3", onto, attributes(block, log.length));
    if (block.waiting.length > 0) await new Promise((done) => setTimeout(done, BUILD_MS));
    const { executionPayload: payload } = await this.#engine("engine_getPayloadV3", payloadId);
    const back = (count) => log.at(-count)?.hash ?? ZERO;
    const choice = { headBlockHash: payload.blockHash, safeBlockHash: back(SAFE_AFTER), finalizedBlockHash: back(FINAL_AFTER) };
    Object.assign(block, { hash: payload.blockHash, payload, choice });
    await this.follow(block);
  }

  async follow(block) {
    await this.#valid("engine_newPayloadV3", block.payload, [], ZERO);
    await this.#valid("engine_forkchoiceUpdatedV3", block.choice, null);
    return true;
  }

  /** It drops what is in a block by itself, and what is not may still come into one. */
  async forget() {}

  async #genesis() {
    return (await this.rpc("eth_getBlockByNumber", ["earliest", false])).hash;
  }

  async #valid(method, ...params) {
    const result = await this.#engine(method, ...params);
    const { status, validationError } = result.payloadStatus ?? result;
    if (status !== "VALID") throw new Error(`${this.name} ${method}: ${status} ${validationError ?? ""}`);
    return result;
  }

  #engine(method, ...params) {
    return this.ask(`http://127.0.0.1:${this.enginePort}`, { authorization: `Bearer ${token()}` }, method, params);
  }
}

/** A JSON Web Token by the shared secret; geth wants it no older than a minute. */
function token() {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part({ iat: Math.floor(Date.now() / 1000) })}`;
  return `${signed}.${createHmac("sha256", Buffer.from(SECRET, "hex")).update(signed).digest("base64url")}`;
}

/** What the consensus layer decides of a block; `prevRandao` makes the blocks of each fork different ones. */
function attributes({ timestamp, fork }, index) {
  const withdrawal = { index: hex(index), validatorIndex: "0x0", address: TELLTALE, amount: "0x1" };
  const prevRandao = `0x${fork.toString(16).padStart(64, "0")}`;
  return { timestamp: hex(timestamp), prevRandao, suggestedFeeRecipient: NOBODY, withdrawals: [withdrawal], parentBeaconBlockRoot: ZERO };
}

const hex = (number) => `0x${number.toString(16)}`;
