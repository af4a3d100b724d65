// The operations of tour.mjs, as a program that uses @polkadot/api over HTTP does them.

import { ApiPromise, HttpProvider, Keyring } from "@polkadot/api";

// It tells what it misses over HTTP, and every error that a call of it gets.
for (const level of ["warn", "error"]) console[level] = () => {};

/** Calls as @polkadot/api's HTTP provider makes them, to see how often it tries. */
export function polkadotjsDefault(url) {
  const provider = new HttpProvider(url);
  return { call: (method, params) => provider.send(method, params) };
}

export async function polkadotjs(url, { seed }) {
  const provider = new HttpProvider(url);
  const api = await ApiPromise.create({ provider, noInitWarn: true, throwOnConnect: true });
  const signer = new Keyring({ type: "sr25519" }).addFromUri(seed);
  const at = (hash) => (hash ? api.at(hash) : api);
  const header = (one) => ({ number: one.number.toNumber(), parent: one.parentHash.toHex() });
  return {
    genesis: async () => (await api.rpc.chain.getBlockHash(0)).toHex(),
    chainName: async () => (await api.rpc.system.chain()).toString(),
    // A hash that is undefined would be sent as one of zeros.
    version: async (...hash) => (await api.rpc.state.getRuntimeVersion(...hash)).specVersion.toNumber(),
    metadata: async (hash) => (await api.rpc.state.getMetadata(hash)).asLatest.pallets.map(({ name }) => name.toString()),
    head: async () => header(await api.rpc.chain.getHeader()),
    header: async (hash) => header(await api.rpc.chain.getHeader(hash)),
    finalized: async () => header(await api.rpc.chain.getHeader(await api.rpc.chain.getFinalizedHead())),
    hashAt: async (number) => (await api.rpc.chain.getBlockHash(number)).toHex(),
    block: async (hash) => {
      const { block } = await api.rpc.chain.getBlock(hash);
      return { ...header(block.header), extrinsics: block.extrinsics.map((one) => one.hash.toHex()) };
    },
    balance: async (address, hash) => (await (await at(hash)).query.system.account(address)).data.free.toString(),
    blockNumber: async (hash) => (await (await at(hash)).query.system.number()).toNumber(),
    events: async (hash) => (await (await at(hash)).query.system.events()).map(({ event }) => `${event.section}.${event.method}`),
    nonce: async () => (await api.rpc.system.accountNextIndex(signer.address)).toNumber(),
    sign: async (text) => {
      const nonce = await api.rpc.system.accountNextIndex(signer.address);
      return (await api.tx.system.remark(text).signAsync(signer, { nonce, era: 0 })).toHex();
    },
    publish: async (raw) => (await api.rpc.author.submitExtrinsic(raw)).toHex(),
    methods: async () => (await api.rpc.rpc.methods()).methods.map(String),
    call: (method, params) => provider.send(method, params),
    close: () => api.disconnect(),
  };
}
