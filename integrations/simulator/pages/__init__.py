"""What a person clicks: the customer's Apps page, packages and orders, the recruiter's panel, the workbench."""
