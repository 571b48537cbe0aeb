"""What was announced is sent later, at least once, from its snapshot; and periodic jobs run."""
