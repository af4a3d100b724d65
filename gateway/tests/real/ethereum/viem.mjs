// The operations of `tour.mjs` and `watch.mjs`, as a program that uses viem does them.

import { BaseError, ContractFunctionRevertedError, createPublicClient, createWalletClient, encodeFunctionData, http } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { mainnet } from "viem/chains";

import { ABI } from "./contract.mjs";

// viem's own retries would hide what the gateway let through.
const STRICT = { retryCount: 0 };

export function viem(url, { key, contract }) {
  const account = privateKeyToAccount(key);
  const options = { chain: mainnet, pollingInterval: 100, cacheTime: 0 };
  const client = createPublicClient({ ...options, transport: http(url, STRICT) });
  const batching = createPublicClient({ ...options, transport: http(url, { ...STRICT, batch: true }) });
  const wallet = createWalletClient({ ...options, account, transport: http(url, STRICT) });
  const read = (functionName, args, blockNumber) => client.readContract({ abi: ABI, address: contract, functionName, args, blockNumber });
  return {
    chainId: () => client.getChainId(),
    blockNumber: async () => Number(await client.getBlockNumber()),
    block: (at, full) => client.getBlock({ ...reference(at), includeTransactions: full }),
    balance: (address, at) => client.getBalance({ address, ...reference(at) }),
    nonce: (address, at) => client.getTransactionCount({ address, ...reference(at) }),
    code: () => client.getCode({ address: contract }),
    storage: (at) => client.getStorageAt({ address: contract, slot: account.address, ...reference(at) }),
    get: (at) => read("get", [account.address], at === undefined ? undefined : BigInt(at)),
    height: async () => Number(await read("height", [])),
    refuse: (code) => read("refuse", [BigInt(code)]).then(unexpected, revert),
    fail: () => read("fail", []).then(unexpected, revert),
    estimate: () => client.estimateContractGas({ abi: ABI, address: contract, functionName: "set", args: [7n], account }),
    feeHistory: (at) => client.getFeeHistory({ blockCount: 4, rewardPercentiles: [50], blockNumber: BigInt(at) }),
    logs: (from, to) => client.getContractEvents({ abi: ABI, address: contract, eventName: "Set", fromBlock: BigInt(from), toBlock: BigInt(to) }),
    transaction: (hash) => client.getTransaction({ hash }),
    receipt: (hash) => client.getTransactionReceipt({ hash }),
    batch: async (heights) => {
      const blocks = await Promise.all(heights.map((height) => batching.getBlock({ blockNumber: BigInt(height) })));
      return blocks.map((block) => block.hash);
    },
    unknown: () => client.request({ method: "eth_noSuchMethod" }).then(unexpected, (error) => error.walk((e) => e.code !== undefined).code),
    sign: async (value) => {
      const data = encodeFunctionData({ abi: ABI, functionName: "set", args: [BigInt(value)] });
      return wallet.signTransaction(await wallet.prepareTransactionRequest({ to: contract, data }));
    },
    publish: (serializedTransaction) => client.sendRawTransaction({ serializedTransaction }),
    mined: async (hash) => Number((await client.waitForTransactionReceipt({ hash, timeout: 20_000 })).blockNumber),
  };
}

/** Calls as a program with viem's default settings makes them, to see how often it tries. */
export function viemDefault(url) {
  const client = createPublicClient({ chain: mainnet, transport: http(url) });
  const batching = createPublicClient({ chain: mainnet, transport: http(url, { batch: true }) });
  return {
    call: (method, params) => client.request({ method, params }),
    batch: (size) => Promise.all(Array.from({ length: size }, (_, i) => batching.getBlock({ blockNumber: BigInt(i) }))),
  };
}

function reference(at) {
  if (at === undefined) return {};
  if (typeof at === "number") return { blockNumber: BigInt(at) };
  return at.startsWith("0x") ? { blockHash: at } : { blockTag: at };
}

function unexpected() {
  throw new Error("an error was due, and none came");
}

function revert(error) {
  const cause = error instanceof BaseError && error.walk((e) => e instanceof ContractFunctionRevertedError);
  if (!cause) throw error;
  return { data: cause.raw, name: cause.data?.errorName, args: cause.data?.args.map(String) };
}
