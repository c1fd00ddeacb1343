"""The base of every error that whoever runs a process can mend."""


class OperatorError(Exception):
    """A key, a file, a model, a port or a service cannot be used.

    The message is one line for the operator: what is wrong and how to mend it. The command line prints it and ends with
    exit code 2. A room derives its own errors of this kind, so that a process catches one name.
    """
