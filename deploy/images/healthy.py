"""The services' health check, where there is neither curl nor wget: `python -I healthy.py PORT`."""  # noqa: INP001 (a program)

import http.client
import sys

SECONDS = 3


def main(port: str, path: str = "/readyz") -> int:
    """0 if the service of this container says that it can serve."""
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=SECONDS)
    try:
        connection.request("GET", path)
        return 0 if connection.getresponse().status == http.client.OK else 1
    except (OSError, http.client.HTTPException):
        return 1
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
