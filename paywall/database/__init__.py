"""Database access: engine, transactions, tables and migrations."""
