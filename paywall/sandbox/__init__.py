"""A small news site to try the service with: some articles and two readers."""
