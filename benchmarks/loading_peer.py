"""Parse a file's lines as oonidata does; runs in that package's own environment, without ours."""

import json
import resource
import sys
import time


def main() -> None:
    """Print how many lines there were, CPU seconds, and resident memory."""
    import orjson  # type: ignore[import-not-found]
    from oonidata.models.nettests import WebConnectivity  # type: ignore[import-not-found]

    with open(sys.argv[1], "rb") as stream:  # noqa: PTH123 (nothing but the standard library here)
        began = time.process_time()
        rows = 0
        for line in stream:
            WebConnectivity.from_dict(orjson.loads(line))
            rows += 1
        cpu = time.process_time() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"rows": rows, "cpu": cpu, "memory": memory}))


main()
