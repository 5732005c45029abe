"""Pages for people: apps, packages, orders, candidates, career site, switches and ledger."""
