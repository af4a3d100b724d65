"""The operations of `tour.mjs`, as a program that uses the ICON SDK does them."""

from iconsdk.builder.call_builder import CallBuilder
from iconsdk.builder.transaction_builder import TransactionBuilder
from iconsdk.exception import JSONRPCException
from iconsdk.icon_service import IconService
from iconsdk.providers.http_provider import HTTPProvider
from iconsdk.signed_transaction import SignedTransaction
from iconsdk.wallet.wallet import KeyWallet

from lines import SETUP, serve


class Client:
    def __init__(self, url):
        self.icon = IconService(HTTPProvider(f"{url}/api/v3"))
        self.wallet = KeyWallet.load(bytes.fromhex(SETUP["key"]))

    def address(self):
        return self.wallet.get_address()

    def block(self, at):
        block = self.icon.get_block(at)
        hashes = [tx["txHash"] for tx in block["confirmed_transaction_list"] if "txHash" in tx]
        return {"height": block["height"], "hash": f"0x{block['block_hash'].removeprefix('0x')}", "previous": block["prev_block_hash"], "transactions": hashes}

    def balance(self, address, height=None):
        return str(self.icon.get_balance(address, height))

    def supply(self, height=None):
        return str(self.icon.get_total_supply(height))

    def call(self, contract, method, height=None):
        call = CallBuilder().from_(self.address()).to(contract).method(method).params({}).height(height).build()
        return self.icon.call(call)

    def api(self, contract):
        return self.icon.get_score_api(contract)

    def network(self):
        return self.icon.get_network_info()

    def estimate(self, to):
        return self.icon.estimate_step(self._transfer(to))

    def send(self, to):
        transaction = self._transfer(to)
        return self.icon.send_transaction(SignedTransaction(transaction, self.wallet, SETUP["steps"]))

    def transaction(self, hash):
        found = self.icon.get_transaction(hash)
        return {"hash": found["txHash"], "from": found["from"], "value": found["value"], "height": found["blockHeight"]}

    def result(self, hash):
        """The result, or the code of the error that says that there is none yet."""
        try:
            result = self.icon.get_transaction_result(hash)
        except JSONRPCException as error:
            return {"code": error.rpc_code, "message": error.message}
        return {"status": result["status"], "height": result["blockHeight"], "hash": result["txHash"]}

    def failure(self, op, *args):
        try:
            getattr(self, op)(*args)
        except JSONRPCException as error:
            return {"code": error.rpc_code, "message": error.message}
        raise AssertionError("an error was due, and none came")

    def _transfer(self, to):
        builder = TransactionBuilder().from_(self.address()).to(to).value(1).nid(SETUP["nid"]).nonce(1)
        return builder.build()


serve({"strict": Client})
