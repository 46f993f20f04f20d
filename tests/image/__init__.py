"""The image, built and run as it is in production: `make test-image`."""
