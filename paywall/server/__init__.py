"""The server process: workers, connections, the fast path for checks, health and metrics."""
