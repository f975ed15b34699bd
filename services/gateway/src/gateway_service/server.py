"""`python -m gateway_service.server --bind HOST --port PORT`: the gateway under Daphne."""

from __future__ import annotations

import argparse
import sys

from daphne.server import Server


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m gateway_service.server", description=__doc__)
    parser.add_argument("--bind", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, required=True, help="port to listen on")
    options = parser.parse_args(arguments)
    from gateway_service.asgi import application

    Server(application, endpoints=[f"tcp:port={options.port}:interface={options.bind}"]).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
