import time
from concurrent.futures import ThreadPoolExecutor


def wait_for(condition, seconds=10.0, what="the condition"):
    """Polls until `condition()` is true and returns its value."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(0.02)


def concurrently(count, call, connections=30):
    """Results of `call(0)` … `call(count - 1)`, made side by side."""
    with ThreadPoolExecutor(min(count, connections)) as pool:
        return list(pool.map(call, range(count)))
