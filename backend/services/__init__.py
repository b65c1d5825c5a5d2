"""What the product does, one file per noun: functions that take a unit of work (writes) or a session (reads)."""
