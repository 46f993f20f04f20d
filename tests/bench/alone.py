"""Serves another application the way `paywall serve` serves the service, with the same flags.

On httptools, though, which is faster and which the service cannot use: the bare server is what a
check is compared with, and has to be as fast as it gets.
"""

import argparse
import socket

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from paywall.server.graceful_server import BACKLOG
from paywall.server.serve import server_config


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("application", help="module:function, which makes the application")
    parser.add_argument("--port", type=int, required=True)
    words = parser.parse_args()
    config = server_config(words.application, workers=1, http=HttpToolsProtocol)
    with socket.create_server(("127.0.0.1", words.port), backlog=BACKLOG) as listener:
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
