"""The contract: what the service promises its callers, as one OpenAPI document."""
