"""Who calls: issuers and their keys, verifying, minting, revoking, and the guards of routes."""
