"""The sans-I/O core: frames and acts in; commit, send, tell and wake out. It reads no clock, draws no lot, opens nothing."""
