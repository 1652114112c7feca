"""What people put into a paper of their own: tables, figures, cards."""
