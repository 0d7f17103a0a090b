"""Model checkers that one does not write Promela for, and how each gets here."""
