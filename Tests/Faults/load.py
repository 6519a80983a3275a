"""wrk, which asks for the hits as fast as it can."""

import json
import os
import subprocess
from pathlib import Path

SCRIPT = Path(__file__).resolve().parent.parent / "Load" / "wrk.lua"


def wrk(bench, seconds, connections=32, base_url=None):
    data = bench.stack.state / "wrk"
    data.mkdir(exist_ok=True)
    (data / "tokens").write_text("".join(token + "\n" for token in bench.tokens))
    (data / "hits").write_text("".join(line + "\n" for line in bench.hit_lines))
    environment = dict(os.environ, LOAD_TOKENS=str(data / "tokens"), LOAD_REQUESTS=str(data / "hits"), LOAD_THREADS="2")
    done = subprocess.run(
        ["wrk", "-t2", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s", "-s", SCRIPT, base_url or bench.stack["BASE_URL"]],
        env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def rate(result):
    return result["requests"] / (result["duration_us"] / 1e6)
