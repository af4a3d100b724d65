// The operations of `tour.mjs` and `watch.mjs` by web3.py: a Python process does them, see web3_client.py.

import { Python } from "../python.mjs";

const OPS = "chainId blockNumber block balance nonce code storage get height refuse fail estimate feeHistory logs transaction receipt batch unknown sign publish mined".split(" ");

/** `setup` is `{ key, contract, abi }`. */
export function web3py(setup) {
  const python = new Python("ethereum", "web3_client.py", setup);
  return {
    /** The same operations as viem.mjs has. */
    client: (url) => python.client(url, OPS),
    /** As a program with web3.py's default settings. */
    defaults: (url) => python.client(url, ["call", "batch"], "default"),
    close: () => python.close(),
  };
}
