"""The operations of `tour.mjs` and `watch.mjs`, as a program that uses web3.py does them."""

from web3 import HTTPProvider, Web3
from web3.exceptions import ContractCustomError, ContractLogicError, Web3RPCError

from lines import SETUP, serve


class Client:
    def __init__(self, url):
        # web3.py's own retries would hide what the gateway let through.
        self.w3 = Web3(HTTPProvider(url, exception_retry_configuration=None))
        self.account = self.w3.eth.account.from_key(SETUP["key"])
        self.contract = self.w3.eth.contract(Web3.to_checksum_address(SETUP["contract"]), abi=SETUP["abi"])

    def chain_id(self):
        return self.w3.eth.chain_id

    def block_number(self):
        return self.w3.eth.block_number

    def block(self, at, full=False):
        return self.w3.eth.get_block(at, full)

    def balance(self, address, at=None):
        return self.w3.eth.get_balance(address, at)

    def nonce(self, address, at=None):
        return self.w3.eth.get_transaction_count(address, at)

    def code(self):
        return self.w3.eth.get_code(self.contract.address)

    def storage(self, at=None):
        return self.w3.eth.get_storage_at(self.contract.address, int(self.account.address, 16), at)

    def get(self, at=None):
        return self.contract.functions.get(self.account.address).call(block_identifier=at)

    def height(self):
        return self.contract.functions.height().call()

    def refuse(self, code):
        return self._revert(self.contract.functions.refuse(code))

    def fail(self):
        return self._revert(self.contract.functions.fail())

    def _revert(self, function):
        try:
            function.call()
        except ContractCustomError as error:
            selector, values = error.data[:10], bytes.fromhex(error.data[10:])
            assert selector == Web3.to_hex(Web3.keccak(text="Refused(uint256,address)")[:4]), error.data
            values = self.w3.codec.decode(["uint256", "address"], values)
            return {"data": error.data, "name": "Refused", "args": [str(value) for value in values]}
        except ContractLogicError as error:
            return {"data": error.data, "name": "Error", "args": [error.message.removeprefix("execution reverted: ")]}
        raise AssertionError("an error was due, and none came")

    def estimate(self):
        return self.contract.functions.set(7).estimate_gas({"from": self.account.address})

    def fee_history(self, at):
        return self.w3.eth.fee_history(4, at, [50])

    def logs(self, start, end):
        return self.contract.events.Set().get_logs(from_block=start, to_block=end)

    def transaction(self, hash):
        return self.w3.eth.get_transaction(hash)

    def receipt(self, hash):
        return self.w3.eth.get_transaction_receipt(hash)

    def batch(self, heights):
        with self.w3.batch_requests() as batch:
            for height in heights:
                batch.add(self.w3.eth.get_block(height))
            return [block["hash"] for block in batch.execute()]

    def unknown(self):
        try:
            self.w3.manager.request_blocking("eth_noSuchMethod", [])
        except Web3RPCError as error:
            return error.rpc_response["error"]["code"]
        raise AssertionError("an error was due, and none came")

    def sign(self, value):
        nonce = self.w3.eth.get_transaction_count(self.account.address, "pending")
        transaction = self.contract.functions.set(value).build_transaction({"from": self.account.address, "nonce": nonce})
        return self.account.sign_transaction(transaction).raw_transaction

    def publish(self, raw):
        return self.w3.eth.send_raw_transaction(raw)

    def mined(self, hash):
        return self.w3.eth.wait_for_transaction_receipt(hash, timeout=20, poll_latency=0.1)["blockNumber"]


class Default:
    """Calls with web3.py's default settings, to see how often it tries."""

    def __init__(self, url):
        self.w3 = Web3(HTTPProvider(url))

    def call(self, method, params):
        return self.w3.manager.request_blocking(method, params)

    def batch(self, size):
        with self.w3.batch_requests() as batch:
            for height in range(size):
                batch.add(self.w3.eth.get_block(height))
            return len(batch.execute())


serve({"strict": Client, "default": Default}, Web3.to_json)
