"""From readings to money: a room's prepaid account, its charges with both readings, top-up, disputes."""
