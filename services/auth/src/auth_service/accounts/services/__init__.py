"""What can be done to accounts: each deed in one transaction with its entries of the change feed."""
