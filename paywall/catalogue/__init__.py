"""What can be bought: plans, packs and passes."""
