"""The operations of `tour.mjs`, as a program that uses py-near does them."""

import asyncio
import json
import threading

from loguru import logger
from py_near.account import Account

from lines import SETUP, serve

logger.remove()
LOOP = asyncio.new_event_loop()
threading.Thread(target=LOOP.run_forever, daemon=True).start()


def wait(coroutine):
    return asyncio.run_coroutine_threadsafe(coroutine, LOOP).result()


class Client:
    def __init__(self, url):
        self.account = Account(SETUP["account"], SETUP["key"], url)
        self.provider = self.account.provider
        wait(self.account.startup())

    def chain(self):
        return wait(self.provider.get_status())["chain_id"]

    def newest(self):
        return wait(self.provider.get_status())["sync_info"]["latest_block_height"]

    def block(self, at):
        header = wait(self.provider.json_rpc("block", self._at(at)) if at in FINALITIES else self.provider.get_block(at))["header"]
        return {"height": header["height"], "hash": header["hash"], "previous": header["prev_hash"]}

    def amount(self, account, at):
        if at in FINALITIES:
            return wait(self.provider.get_account(account, at))["amount"]
        return wait(self.provider.query({"request_type": "view_account", "account_id": account, **self._at(at)}))["amount"]

    def call(self, contract, method, at):
        answer = wait(self.provider.view_call(contract, method, b"{}", **self._at(at)))
        return json.loads(bytes(answer["result"]))

    def keys(self, account):
        return [key["public_key"] for key in wait(self.provider.get_access_key_list(account, "final"))["keys"]]

    def gas_price(self, at):
        return wait(self.provider.json_rpc("gas_price", [at]))["gas_price"]

    def validators(self):
        return [one["account_id"] for one in wait(self.provider.get_validators())["current_validators"]]

    def send(self, to):
        return self.status(wait(self.account.send_money(to, 1)).transaction.hash)

    def status(self, hash):
        # Its own form of an outcome lacks the block.
        outcome = wait(self.provider.json_rpc("tx", [hash, SETUP["account"]]))
        done = "SuccessValue" in outcome["status"]
        return {"hash": outcome["transaction"]["hash"], "done": done, "block": outcome["transaction_outcome"]["block_hash"]}

    def failure(self, op, *args):
        try:
            wait(getattr(self.provider, op)(*args))
        except Exception as error:  # noqa: BLE001 - it is looked at elsewhere
            return {"name": type(error).__name__, "message": str(error)[:300]}
        raise AssertionError("an error was due, and none came")

    @staticmethod
    def _at(at):
        return {"finality": at} if at in FINALITIES else {"block_id": at}


FINALITIES = ("optimistic", "near-final", "final")
serve({"strict": Client})
