// The accounts that every anvil funds; everybody knows their keys.

import { bytesToHex } from "viem";
import { mnemonicToAccount } from "viem/accounts";

export function wallet(index) {
  const account = mnemonicToAccount("test test test test test test test test test test test junk", { addressIndex: index });
  return { account, key: bytesToHex(account.getHdKey().privateKey), address: account.address };
}

export const FUNDED = Array.from({ length: 10 }, (_, index) => wallet(index).address);
