// Three real Ethereum nodes in two zones behind `headrace run`, used by viem, ethers and web3.py,
// while one node is killed, one hangs and one is left behind: the clients must not notice.
// The nodes are anvils or geths.

import assert from "node:assert/strict";

import { createPublicClient, createWalletClient, http } from "viem";
import { mainnet } from "viem/chains";

import { Chain } from "../chain.mjs";
import { check } from "../check.mjs";
import { ADMIN_PORT, Gateway } from "../gateway.mjs";
import { isFree } from "../node.mjs";
import { unnoticed } from "../watch.mjs";
import { Anvil } from "./anvil.mjs";
import { ABI, ABI_JSON, creation } from "./contract.mjs";
import { ethers, ethersDefault } from "./ethers.mjs";
import { Geth } from "./geth.mjs";
import { oldStates, reorg } from "./histories.mjs";
import { raw } from "./raw.mjs";
import { LIMITED, LITTLE, REJECTED, abandoned, retries, spend } from "./retries.mjs";
import { tour } from "./tour.mjs";
import { viem, viemDefault } from "./viem.mjs";
import { wallet } from "./wallets.mjs";
import { EthereumWatch } from "./watch.mjs";
import { web3py } from "./web3py.mjs";

const BLOCK_MS = 1000;
const KINDS = { anvil: Anvil, geth: Geth };
/** How long each fault lasts, and the calm after it. */
const FAULT_BLOCKS = 4;
const CALM_BLOCKS = 2;
/** Geths start and replay slowly. */
export const patience = ({ nodes }) => (nodes === "geth" ? 240_000 : 120_000);

const CHAIN = { name: "eth", family: "ethereum", identity: 1, block_time: "1s" };

export async function main(run) {
  const Kind = KINDS[run.nodes] ?? assert.fail(`--nodes ${run.nodes}: anvil or geth`);
  const chain = await startNodes(run, Kind);
  const gateway = run.direct ? null : run.owns(await Gateway.start(CHAIN, chain.nodes, "near"));
  const url = gateway?.url ?? chain.reference.url;
  const contract = await deploy(chain);
  const [python, pairs] = startClients(run, url, chain.reference.url, contract);
  await chain.blocks(8);
  await Promise.all(pairs.map((pair) => tour(pair, chain, { account: wallet(0).address, contract })));
  if (run.direct) return;
  await raw(url, chain);
  await faults(chain, pairs);
  await outlives(chain, gateway, pairs[0]);
  if (Kind === Geth) {
    await oldStates(chain, pairs, chain.nodes[2]);
    await reorg(chain, pairs);
  }
  await withoutFile(run, chain);
  const makers = { viem: viemDefault, ethers: ethersDefault, "web3.py": (at) => python.defaults(at) };
  await retries(url, makers, REJECTED);
  await overRate(run, chain, makers);
  const unsent = await pairs[0].reference.sign(9);
  for (const node of chain.nodes) await chain.kill(node);
  await retries(url, makers, abandoned(unsent));
  await check("the gateway ends with 0 at SIGTERM", async () => assert.equal(await gateway.stop(), 0));
}

async function startNodes(run, Kind) {
  const reference = await Kind.on("reference", "none", "archive");
  const nodes = [await Kind.on("near-1", "near"), await Kind.on("near-2", "near"), await Kind.on("far-1", "far", "archive")];
  const chain = new Chain(reference, nodes);
  run.atTheEnd(() => Promise.all(chain.all.map((node) => node.discard())));
  await Promise.all(chain.all.map((node) => node.start()));
  run.atTheEnd(chain.run(BLOCK_MS));
  return chain;
}

/** A gateway of its own, whose clients have spent what they may ask for. */
async function overRate(run, chain, makers) {
  const limited = run.owns(await Gateway.start(CHAIN, chain.nodes, "near", LITTLE));
  await spend(limited.url);
  await retries(limited.url, makers, LIMITED);
}

/** `headrace run --node URL --node URL` serves with nothing else said. */
async function withoutFile(run, chain) {
  if (!(await isFree(ADMIN_PORT))) {
    console.log(`NOT CHECKED  run without a file: somebody listens on port ${ADMIN_PORT}`);
    return;
  }
  await check("two nodes on the command line are served, without a file", async () => {
    const gateway = run.owns(await Gateway.bare(chain.nodes.slice(0, 2)));
    const client = createPublicClient({ chain: mainnet, transport: http(gateway.url, { retryCount: 0 }) });
    assert.equal(await client.getChainId(), 1);
    const block = await client.getBlock();
    assert.equal(block.hash, chain.log[Number(block.number) - 1].hash);
    // By default it would go on serving for 20 s.
    await gateway.stop("SIGKILL");
  });
}

/** Deploys the contract at the reference node; the driver hands it to the others. */
async function deploy(chain) {
  const options = { chain: mainnet, transport: http(chain.reference.url), pollingInterval: 100 };
  const sender = createWalletClient({ ...options, account: wallet(0).account });
  const hash = await chain.between(() => sender.deployContract({ abi: ABI, bytecode: creation() }));
  const receipt = await createPublicClient(options).waitForTransactionReceipt({ hash });
  chain.deployed = Number(receipt.blockNumber);
  return receipt.contractAddress;
}

/** Each client twice: through the gateway, and at the reference node. One account each. */
function startClients(run, url, reference, contract) {
  const python = web3py({ key: wallet(3).key, contract, abi: ABI_JSON });
  run.atTheEnd(() => python.close());
  const pair = (name, make) => ({ name, gateway: make(url), reference: make(reference) });
  const pairs = [
    pair("viem", (at) => viem(at, { key: wallet(1).key, contract })),
    pair("ethers", (at) => ethers(at, { key: wallet(2).key, contract })),
    pair("web3.py", (at) => python.client(at)),
  ];
  run.atTheEnd(() => pairs.forEach(({ gateway, reference: direct }) => [gateway, direct].forEach((client) => client.close?.())));
  return [python, pairs];
}

/** One fault after the other, each healed before the next, and the clients at work all the time. */
async function faults(chain, pairs) {
  const [near1, near2, far] = chain.nodes;
  const watches = pairs.map((pair) => new EthereumWatch(pair, chain, wallet(0).address));
  const phases = [
    ["nothing is broken", []],
    ["a near node is killed", [() => chain.kill(near1)]],
    ["a near node hangs", [() => chain.hang(near2)]],
    ["a near node is left behind", [() => chain.leaveBehind(near1)]],
    ["the far node hangs", [() => chain.hang(far)]],
    ["one near node is killed, the other hangs", [() => chain.kill(near1), () => chain.hang(near2)]],
    ["one is killed, one left behind", [() => chain.kill(near2), () => chain.leaveBehind(near1)]],
    ["one hangs, one is left behind", [() => chain.hang(near1), () => chain.leaveBehind(far)]],
  ];
  for (const [name, breaks] of phases) await phase(name, breaks, chain, watches);
  await Promise.all(watches.map((watch) => watch.stop()));
  for (const { name, calls, writes, trails } of watches) {
    console.log(`        ${name}: ${calls} calls, ${writes} transactions, never more than ${trails} blocks behind the chain`);
  }
}

function phase(name, breaks, chain, watches) {
  return unnoticed(name, watches, async () => {
    for (const fault of breaks) await fault();
    await chain.blocks(FAULT_BLOCKS);
    await Promise.all(chain.nodes.filter((node) => node.state !== "up").map((node) => chain.heal(node)));
    await chain.blocks(CALM_BLOCKS);
  });
}

/** The node that took a transaction dies before it told anybody: the gateway has confirmed it elsewhere. */
async function outlives(chain, gateway, pair) {
  await check("an accepted transaction outlives the only node that has it", async () => {
    const bytes = await pair.gateway.sign(7);
    const [hash, holder] = await chain.between(async () => {
      const sent = await pair.gateway.publish(bytes);
      const has = await Promise.all(chain.nodes.map((node) => node.rpc("eth_getTransactionByHash", [sent])));
      const holders = chain.nodes.filter((_, i) => has[i]);
      assert.equal(holders.length, 1, "a write leaves once");
      await holders[0].kill();
      return [sent, holders[0]];
    });
    await pair.gateway.mined(hash);
    await chain.heal(holder);
    return `${holder.name} was killed`;
  });
}
