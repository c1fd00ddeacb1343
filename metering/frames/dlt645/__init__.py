"""DL/T 645-2007, the electricity meters' protocol: frames, requests, answers, data items, orders, models."""
