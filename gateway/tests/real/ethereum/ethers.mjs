// The operations of `tour.mjs` and `watch.mjs`, as a program that uses ethers does them. Its
// provider puts calls that are made together into one batch by itself.

import { Contract, FetchRequest, JsonRpcProvider, Wallet } from "ethers";

import { ABI_TEXT } from "./contract.mjs";

export function ethers(url, { key, contract: address }) {
  const request = new FetchRequest(url);
  // ethers' own retries would hide what the gateway let through.
  request.setThrottleParams({ maxAttempts: 1 });
  const provider = new JsonRpcProvider(request, 1, { staticNetwork: true, cacheTimeout: -1, pollingInterval: 100 });
  const wallet = new Wallet(key, provider);
  const contract = new Contract(address, ABI_TEXT, wallet);
  const overrides = (at) => (at === undefined ? {} : { blockTag: at });
  const json = async (promise) => (await promise).toJSON();
  return {
    chainId: async () => Number((await provider.getNetwork()).chainId),
    blockNumber: () => provider.getBlockNumber(),
    block: async (at, full) => {
      const block = await provider.getBlock(at, full);
      return { ...block.toJSON(), number: block.number, transactions: full ? block.prefetchedTransactions.map((tx) => tx.toJSON()) : block.transactions };
    },
    balance: (who, at) => provider.getBalance(who, at),
    nonce: (who, at) => provider.getTransactionCount(who, at),
    code: () => provider.getCode(address),
    storage: (at) => provider.getStorage(address, wallet.address, at),
    get: (at) => contract.get(wallet.address, overrides(at)),
    height: async () => Number(await contract.height()),
    refuse: (code) => contract.refuse(code).then(unexpected, revert),
    fail: () => contract.fail().then(unexpected, revert),
    estimate: () => contract.set.estimateGas(7),
    feeHistory: (at) => provider.send("eth_feeHistory", ["0x4", `0x${at.toString(16)}`, [50]]),
    logs: async (from, to) => (await contract.queryFilter("Set", from, to)).map((log) => ({ ...log.toJSON(), who: log.args.who, value: log.args.value })),
    transaction: (hash) => json(provider.getTransaction(hash)),
    receipt: (hash) => json(provider.getTransactionReceipt(hash)),
    batch: async (heights) => (await Promise.all(heights.map((height) => provider.getBlock(height)))).map((block) => block.hash),
    unknown: () => provider.send("eth_noSuchMethod", []).then(unexpected, (error) => (error.error ?? error.info.error).code),
    sign: async (value) => {
      const filled = await wallet.populateTransaction(await contract.set.populateTransaction(value));
      return wallet.signTransaction(filled);
    },
    publish: async (raw) => (await provider.broadcastTransaction(raw)).hash,
    mined: async (hash) => (await provider.waitForTransaction(hash, 1, 20_000)).blockNumber,
    close: () => provider.destroy(),
  };
}

/** Calls as a program with ethers' default settings makes them, to see how often it tries. */
export function ethersDefault(url) {
  const provider = new JsonRpcProvider(url, 1, { staticNetwork: true });
  return {
    call: (method, params) => provider.send(method, params),
    batch: (size) => Promise.all(Array.from({ length: size }, (_, i) => provider.getBlock(i))),
    close: () => provider.destroy(),
  };
}

function unexpected() {
  throw new Error("an error was due, and none came");
}

function revert(error) {
  if (error.code !== "CALL_EXCEPTION") throw error;
  return { data: error.data, name: error.revert?.name, args: error.revert?.args.map(String) };
}
