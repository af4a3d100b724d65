"""The operations of `tour.mjs`, as a program that uses substrate-interface over HTTP does them."""

from substrateinterface import Keypair, SubstrateInterface

from lines import SETUP, serve


class Client:
    def __init__(self, url):
        self.node = SubstrateInterface(url=url)
        self.signer = Keypair.create_from_uri(SETUP["seed"])

    def genesis(self):
        return self.node.get_block_hash(0)

    def chain_name(self):
        return self.node.rpc_request("system_chain", [])["result"]

    def version(self, hash=None):
        return self.node.get_block_runtime_version(hash or self.node.get_chain_head())["specVersion"]

    def metadata(self, hash=None):
        return [pallet.value["name"] for pallet in self.node.get_block_metadata(hash, decode=True).pallets]

    def head(self):
        return self._header(self.node.rpc_request("chain_getHeader", [])["result"])

    def header(self, hash):
        return self._header(self.node.rpc_request("chain_getHeader", [hash])["result"])

    def finalized(self):
        return self.header(self.node.get_chain_finalised_head())

    def _header(self, header):
        return {"number": int(header["number"], 16), "parent": header["parentHash"]}

    def hash_at(self, number):
        return self.node.get_block_hash(number)

    def block(self, hash):
        block = self.node.get_block(hash)
        header = block["header"]
        extrinsics = ["0x" + one.extrinsic_hash.hex() if one.extrinsic_hash else None for one in block["extrinsics"]]
        return {"number": header["number"], "parent": header["parentHash"], "extrinsics": extrinsics}

    def balance(self, address, hash=None):
        return str(self.node.query("System", "Account", [address], block_hash=hash).value["data"]["free"])

    def block_number(self, hash=None):
        return self.node.query("System", "Number", block_hash=hash).value

    def events(self, hash):
        events = self.node.get_events(hash)
        return [f"{one.value['event']['module_id']}.{one.value['event']['event_id']}" for one in events]

    def nonce(self):
        return self.node.rpc_request("system_accountNextIndex", [self.signer.ss58_address])["result"]

    def sign(self, text):
        call = self.node.compose_call("System", "remark", {"remark": text})
        return str(self.node.create_signed_extrinsic(call, self.signer, nonce=self.nonce()).data)

    def publish(self, raw):
        return self.node.rpc_request("author_submitExtrinsic", [raw])["result"]

    def methods(self):
        return self.node.rpc_request("rpc_methods", [])["result"]["methods"]

    def call(self, method, params):
        return self.node.rpc_request(method, params)["result"]


# The interface keeps what it knows of a block from call to call, and is slow to make: no two calls at once.
serve({"strict": Client}, workers=1)
