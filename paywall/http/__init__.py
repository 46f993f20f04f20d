"""What holds for every request, whatever its route: limits, ids, bodies, pages, problems."""
