"""Whether a room has electricity: cut-off and arming, curfew, load, and the orders to meters that follow."""
