"""The only place that decides: of times, memory and counts (`times`), and of quality (`quality`). Pure."""
