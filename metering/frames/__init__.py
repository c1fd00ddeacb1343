"""The frames of meters as pure codecs: DL/T 645-2007 and CJ/T 188. Bytes in, values out; no input or output."""
