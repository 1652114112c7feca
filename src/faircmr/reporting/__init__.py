"""Tables in; text, figures and progress out. Nothing here computes a score or trains."""
