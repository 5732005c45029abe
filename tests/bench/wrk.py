"""Load by wrk, a client so cheap that it leaves the processor to the server. Debian has it as the package `wrk`."""

import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

THREADS = 2
# Each thread numbers its own orders, from a random start, since an id that came before is a repeat and not an order.
SCRIPT = """
local threads = 0
function setup(thread)
  threads = threads + 1
  thread:set("seed", {seed} * 16 + threads)
end
function delay()
  return {delay}
end
local count = 0
function request()
  count = count + 1
  local id = string.format("%08x-0000-4000-8000-%012x", seed, count)
  local body = {body}
  return wrk.format("{method}", "{path}", {headers}, body and (body:gsub("ORDER_ID", id)))
end
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format('\\n{{"requests": %d, "seconds": %f, "p50": %f, "p99": %f, "errors": %d}}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
"""


@dataclass(frozen=True)
class Load:
    """Outcome of a load: answered requests per second, and milliseconds of latency."""

    per_second: float
    p50: float
    p99: float
    errors: int


def run_load(
    url: str, *, method: str = "GET", headers: dict[str, str] | None = None, body: str | None = None,
    seconds: float = 8, connections: int = 16, seed: int = 0, per_second: float | None = None,
) -> Load:  # fmt: skip
    """Send requests as fast as they are answered, or at most `per_second`.

    `ORDER_ID` in the body becomes another id in each request.
    """
    program = shutil.which("wrk")
    if program is None:
        raise SystemExit("bench: wrk is not installed (Debian: apt-get install wrk)")
    host, slash, path = url.removeprefix("http://").partition("/")
    lua_headers = "".join(f"[{json.dumps(name)}] = {json.dumps(value)}, " for name, value in (headers or {}).items())
    script = SCRIPT.format(
        seed=seed,
        delay=0 if per_second is None else f"math.random() * {2000 * connections / per_second:.0f}",
        body="nil" if body is None else f"[[{body}]]",
        method=method,
        path=slash + path,
        headers=f"{{{lua_headers}}}",
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "load.lua")
        file.write_text(script)
        command = [program, "-t", str(THREADS), "-c", str(connections), "-d", f"{seconds:.0f}s", "-s", str(file)]
        done = subprocess.run([*command, f"http://{host}"], capture_output=True, text=True, check=True)
    result = json.loads(done.stdout.strip().splitlines()[-1])
    return Load(result["requests"] / result["seconds"], result["p50"], result["p99"], result["errors"])
