"""What a service writes is for its owner alone."""

import os
from pathlib import Path

from database.private_files import close_to_others, make_private_folder


def keep_private(folder: Path) -> None:
    """Give files that this process makes to nobody else from now on, and close the folder it keeps its data in.

    Commands that people run keep the umask of their shell: what they make (models, trusted keys) is for the services.
    """
    os.umask(0o077)
    make_private_folder(folder)
    close_to_others(folder)
