"""CJ/T 188, the protocol of water and gas meters with valves: frames, requests, answers, models."""
