"""The offline verifier: the octets of a bundle in, a report out. No network, no files, no state, no keys."""
