"""A running station: its keys, its anchor, and the loop that commits, then sends, then tells."""
