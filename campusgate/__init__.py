"""The rim: settings, command line, process assembly, demonstration."""
