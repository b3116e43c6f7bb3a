"""How a campaign goes: plan, schedule, the line's own health, and measurements into the store."""
