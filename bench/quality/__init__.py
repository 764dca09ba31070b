"""What `quality_power.py` is made of: damage, the declarations that carry it, and how what the gate said is counted."""
