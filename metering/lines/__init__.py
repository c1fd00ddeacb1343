"""The lines meters hang on: one task and one connection a gateway, what is read when, the process that reads them."""
