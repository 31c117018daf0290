"""Bytes to frozen values and back: strict, canonical, without meaning."""
