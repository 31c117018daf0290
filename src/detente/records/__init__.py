"""What people see, as pure functions of entries: reading order, ladders, log lines. No store, no clock."""
