"""`make test-upgrade`: an earlier release and this one side by side under load, and back."""
