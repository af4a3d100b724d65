// The contract that the clients call, assembled here: no compiler is needed, and every byte is explained.

import { toEventSelector, toFunctionSelector, parseAbi, stringToHex } from "viem";

export const ABI_TEXT = [
  "function get(address who) view returns (uint256)",
  "function height() view returns (uint256)",
  "function set(uint256 value)",
  "function refuse(uint256 code) view",
  "function fail() view",
  "event Set(address indexed who, uint256 value)",
  "error Refused(uint256 code, address who)",
];
export const ABI = parseAbi(ABI_TEXT);
/** The same as JSON with every member written out, as web3.py wants it. */
export const ABI_JSON = ABI.map((item) => (item.type === "event" ? { anonymous: false, ...item, inputs: item.inputs.map((input) => ({ indexed: false, ...input })) } : item));
export const FAIL_TEXT = "the answer is no";

const OPCODES = {
  stop: "00", eq: "14", shr: "1c", caller: "33", calldataload: "35", codecopy: "39", number: "43",
  mstore: "52", sload: "54", sstore: "55", jumpi: "57", jumpdest: "5b", dup1: "80", log2: "a2", return: "f3", revert: "fd",
};
/** A pushed constant: its own width in bytes decides the opcode. */
const push = (hex) => (0x5f + hex.length / 2).toString(16) + hex;
const word = (hex) => push(hex.replace(/^0x/, "").padEnd(64, "0"));
const op = (names) => names.split(" ").map((name) => OPCODES[name]).join("");
const store = (offset) => push(offset) + op("mstore");
const leave = (how, size) => push(size) + push("00") + op(how);
const selector = (signature) => toFunctionSelector(signature).slice(2);

const BODIES = {
  // What `who` has set: the slot is the address.
  "get(address)": push("04") + op("calldataload sload") + store("00") + leave("return", "20"),
  "height()": op("number") + store("00") + leave("return", "20"),
  // Stores the argument at the caller's slot and logs Set(caller, argument).
  "set(uint256)":
    push("04") + op("calldataload dup1 caller sstore") + store("00") +
    op("caller") + word(toEventSelector("Set(address,uint256)")) + push("20") + push("00") + op("log2 stop"),
  // Reverts with Refused(argument, caller).
  "refuse(uint256)":
    word(selector("Refused(uint256,address)")) + store("00") + push("04") + op("calldataload") + store("04") +
    op("caller") + store("24") + leave("revert", "44"),
  // Reverts with Error("the answer is no"): selector, offset 32, length, text.
  "fail()":
    word(selector("Error(string)")) + store("00") + push("20") + store("04") +
    push(FAIL_TEXT.length.toString(16)) + store("24") + word(stringToHex(FAIL_TEXT)) + store("44") + leave("revert", "64"),
};

/** The code of the contract: a jump table on the selector, then the bodies. */
function runtime() {
  const entry = push("00") + op("calldataload") + push("e0") + op("shr");
  const names = Object.keys(BODIES);
  // dup1 · push4 selector · eq · push2 target · jumpi
  const row = 1 + 5 + 1 + 3 + 1;
  const nothing = leave("revert", "00");
  let at = entry.length / 2 + names.length * row + nothing.length / 2;
  let table = "";
  for (const name of names) {
    table += op("dup1") + push(selector(name)) + op("eq") + push(at.toString(16).padStart(4, "0")) + op("jumpi");
    at += 1 + BODIES[name].length / 2;
  }
  return entry + table + nothing + names.map((name) => op("jumpdest") + BODIES[name]).join("");
}

/** What is sent to deploy it: copies the code behind itself to memory and returns it. */
export function creation() {
  const code = runtime();
  const size = push((code.length / 2).toString(16).padStart(4, "0"));
  const head = (offset) => size + op("dup1") + push(offset) + push("00") + op("codecopy") + push("00") + op("return");
  return `0x${head((head("00").length / 2).toString(16).padStart(2, "0"))}${code}`;
}
