"""What every converter raises."""


class ConversionError(Exception):
    """The source file is not the model it should be; the message says where it differs."""
