// What anvil and geth have in common.

import { Node } from "../node.mjs";

/**
 * State is compared this far below the newest block: while anvil mines a block, a call at the one
 * before it can already see the new state (measured: 81 of 3,151 calls).
 */
export const SETTLED = 2;

export class EthereumNode extends Node {
  serves() {
    return this.rpc("eth_chainId");
  }

  async height() {
    return Number(await this.rpc("eth_blockNumber"));
  }

  async pool() {
    const found = [];
    const { pending } = await this.rpc("txpool_content");
    for (const [sender, byNonce] of Object.entries(pending)) {
      for (const [nonce, { hash }] of Object.entries(byNonce)) {
        const raw = await this.rpc("eth_getRawTransactionByHash", [hash]);
        if (raw) found.push({ place: `${sender} ${nonce.padStart(8, "0")} ${hash}`, hash, raw });
      }
    }
    return found;
  }
}
