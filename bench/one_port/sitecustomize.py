"""For the bench row `gateways`: with this folder on PYTHONPATH, several processes can listen on the same port."""  # noqa: INP001 (it stands alone)

import socket

_bind = socket.socket.bind


def _bind_with_others(self: socket.socket, address: object) -> None:
    if self.type & socket.SOCK_STREAM:
        self.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    _bind(self, address)  # type: ignore[arg-type]


socket.socket.bind = _bind_with_others
