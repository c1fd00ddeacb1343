"""How a notice reaches its person outside the pages: one file for each channel."""
