"""What the pages' scripts are given, as JSON."""
