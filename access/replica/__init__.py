"""The gate's own copy of its directory, and how it is kept in step with the server.

`replica` is the copy, `meta` what it knows about itself, `page` what it checks of each page, `store` its file, `sync`
the fetching from the server.
"""

from access.replica.page import ModelMismatchError, ReplicaError
from access.replica.replica import Replica
from access.replica.store import ReplicaLockedError
from access.replica.sync import DirectorySync, SyncError, SyncRefusedError

__all__ = [
    "DirectorySync",
    "ModelMismatchError",
    "Replica",
    "ReplicaError",
    "ReplicaLockedError",
    "SyncError",
    "SyncRefusedError",
]
