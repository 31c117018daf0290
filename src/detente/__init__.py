"""Detente keeps a channel open between parties that do not trust each other.

The main path, for a newcomer: `protocol/channel.py`, then `station/driver.py`.
"""

__version__ = "0.1.0"
