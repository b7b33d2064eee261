"""One library in a process of its own: reads commands, one JSON object a line, and answers in kind.

{"do": "open", "workload": …, "mode": …, "dropout": …, "draw": …, "double": …} builds a network,
{"do": "losses", "steps": …} trains it and gives the losses, {"do": "seconds", "steps": …} times it.
"""

from __future__ import annotations

import importlib
import json
import sys
from dataclasses import replace
from typing import Any

from benchmarks.steps.workloads import WORKLOADS

MODULES = {
    "pellucid": "own",
    "torch": "torch_peer",
    "jax": "jax_peer",
    "sklearn": "sklearn_peer",
}


def main() -> None:
    """Serve until the input ends."""
    library, threads = sys.argv[1], int(sys.argv[2])
    answers = sys.stdout
    sys.stdout = sys.stderr
    try:
        module = importlib.import_module(f"benchmarks.steps.{MODULES[library]}")
    except ImportError as error:
        print(json.dumps({"absent": str(error)}), file=answers, flush=True)
        return
    print(json.dumps({"modes": module.MODES}), file=answers, flush=True)
    peer: Any = None
    for line in sys.stdin:
        asked = json.loads(line)
        answer: dict[str, Any] = {}
        if asked["do"] == "open":
            work = replace(WORKLOADS[asked["workload"]], draw=asked["draw"])
            work = work if asked["dropout"] else work.without_dropout()
            try:
                peer = module.Peer(work, asked["mode"], threads)
            except NotImplementedError as error:
                answer["not"] = str(error)
            if asked.get("double") and "not" not in answer:
                peer.double()
            answer["build"] = getattr(peer, "build_seconds", None)
            answer["from_cache"] = getattr(peer, "from_cache", None)
        else:
            answer["result"] = getattr(peer, "run" if asked["do"] == "losses" else "seconds")(
                asked["steps"]
            )
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
