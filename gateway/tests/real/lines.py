"""Does operations for the tests: the Python side of python.mjs.

Reads one operation per line from stdin, `{"id", "kind", "url", "op", "args"}`, and writes one answer
per line to stdout, `{"id", "result"}` or `{"id", "error"}`.
"""

import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

SETUP = json.loads(sys.argv[1])


def serve(kinds, encode=json.dumps, workers=16):
    """Serves until stdin ends, so many operations at once; `kinds` maps names to classes, which are made for a URL each."""
    clients = {}
    lock = threading.Lock()

    def client(kind, url):
        with lock:
            if (kind, url) not in clients:
                clients[kind, url] = kinds[kind](url)
            return clients[kind, url]

    def answer(line):
        request = json.loads(line)
        try:
            call = getattr(client(request["kind"], request["url"]), request["op"])
            answer = {"result": call(*request["args"])}
        except BaseException as error:  # noqa: BLE001 - the other side judges it; the ICON SDK's are no Exceptions
            answer = {"error": f"{type(error).__name__}: {error}"[:2000]}
        text = encode({"id": request["id"], **answer})
        with lock:
            print(text, flush=True)

    with ThreadPoolExecutor(workers) as pool:
        for line in sys.stdin:
            pool.submit(answer, line)
