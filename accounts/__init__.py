"""One account however it is presented: people, cards, passwords, devices, ledger, limits, payment, loss and reissue."""
