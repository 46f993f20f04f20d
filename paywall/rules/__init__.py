"""Pure decisions: functions of values and the time, without I/O and without exceptions."""
