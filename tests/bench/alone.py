"""Serves another application the way `paywall serve` serves the service, with the same flags."""

import argparse
import socket

import uvicorn

from paywall.operations.serve import BACKLOG, server_config


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("application", help="module:function, which makes the application")
    parser.add_argument("--port", type=int, required=True)
    words = parser.parse_args()
    config = server_config(words.application, workers=1)
    with socket.create_server(("127.0.0.1", words.port), backlog=BACKLOG) as listener:
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
