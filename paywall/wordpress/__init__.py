"""The plug-in for WordPress, and the command that packages it."""
