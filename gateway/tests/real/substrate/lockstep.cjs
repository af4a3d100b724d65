// Loaded before chopsticks, so that several of them make the same blocks: the clock stands still (the
// first block takes its time from there, the others count on from it), and a block has the transactions
// that the driver names, and no others that just came in.

const { isMainThread } = require("node:worker_threads");

Date.now = () => 1_700_000_000_000;

// Every worker loads this file, too; only the main thread has a pool, and what it takes is slow to load.
if (isMainThread) {
  const { TxPool } = require("@acala-network/chopsticks-core");
  const build = TxPool.prototype.buildBlock;

  TxPool.prototype.buildBlock = async function (params) {
    const transactions = params?.transactions ?? [];
    const others = this.pendingExtrinsics.filter((raw) => !transactions.includes(raw));
    this.clear();
    for (const raw of others) await this.submitExtrinsic(raw);
    return build.call(this, { ...params, transactions });
  };
}
