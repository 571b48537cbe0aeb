"""Mail, and what becomes of it: every test with a real server in the process."""
