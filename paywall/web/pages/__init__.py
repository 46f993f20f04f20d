"""Plain pages for readers: account, unlock, cancel. They need no script, and set one cookie."""
