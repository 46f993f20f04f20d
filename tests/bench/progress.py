"""What the bench tells while it works, on standard error."""

import sys
import time

_started = time.monotonic()


def print_progress(text: str) -> None:
    sys.stderr.write(f"{time.monotonic() - _started:4.0f} s  {text}\n")
    sys.stderr.flush()
