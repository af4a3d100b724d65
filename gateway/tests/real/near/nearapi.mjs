// The operations of tour.mjs, as a program that uses near-api-js does them.

import { Account, JsonRpcProvider, actions } from "near-api-js";

export function nearapi(url, { account, key }) {
  // Its own retries would hide what the gateway let through.
  const provider = new JsonRpcProvider({ url }, { retries: 1, wait: 0 });
  const signer = new Account(account, provider, key);
  const query = (at) => (typeof at === "string" && ["optimistic", "near-final", "final"].includes(at) ? { finality: at } : { blockId: at });
  const header = ({ header: { height, hash, prev_hash: previous } }) => ({ height, hash, previous });
  return {
    chain: async () => (await provider.viewNodeStatus()).chain_id,
    newest: async () => (await provider.viewNodeStatus()).sync_info.latest_block_height,
    block: async (at) => header(await provider.viewBlock(query(at))),
    amount: async (account, at) => `${(await provider.viewAccount({ accountId: account, blockQuery: query(at) })).amount}`,
    call: (contract, method, at) => provider.callFunction({ contractId: contract, method, args: {}, blockQuery: query(at) }),
    keys: async (account) => (await provider.viewAccessKeyList({ accountId: account, finalityQuery: { finality: "final" } })).keys.map((one) => one.public_key),
    gasPrice: async (at) => (await provider.viewGasPrice(at)).gas_price,
    validators: async () => (await provider.viewValidators()).current_validators.map((one) => one.account_id),
    send: async (to) => outcome(await signer.signAndSendTransaction({ receiverId: to, actions: [actions.transfer(1n)], waitUntil: "FINAL", retries: 1 })),
    status: async (hash) => outcome(await provider.viewTransactionStatus({ txHash: hash, accountId: account, waitUntil: "FINAL" })),
    failure: async (op, ...args) => {
      try {
        await provider[op](...args);
      } catch (error) {
        return { name: error.name, type: error.type, message: `${error.message}`.slice(0, 300) };
      }
      throw new Error("an error was due, and none came");
    },
  };
}

function outcome({ transaction, status, transaction_outcome: { block_hash: block } }) {
  return { hash: transaction.hash, done: "SuccessValue" in status, block };
}
