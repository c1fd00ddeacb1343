"""What xdist starts as a worker: it hands its standard streams and its command to `tests.forked_workers` and waits.

It is run without the site's packages: three of them start in the time that one import takes elsewhere.
"""

import os
import socket
import sys

_STREAMS = [0, 1, 2]


def main() -> None:
    """Ask at a socket, the first argument, for a process with our streams that runs what the other arguments say."""
    with socket.socket(socket.AF_UNIX) as asked:
        asked.connect(sys.argv[1])
        socket.send_fds(asked, ["\0".join(sys.argv[2:]).encode()], _STREAMS)
        # Whoever reads what the worker writes is to see its end.
        for stream in _STREAMS[:2]:
            os.close(stream)
        asked.recv(1)  # returns when the worker has ended, for whatever reason


if __name__ == "__main__":
    main()
