"""What every route shares: bodies, fields, paging, deadlines and problem documents."""
