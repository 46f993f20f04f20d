"""The rules: functions of values, with time as an argument; they read nothing and raise nothing."""
