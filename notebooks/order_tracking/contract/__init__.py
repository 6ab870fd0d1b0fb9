"""What an order is: its columns and their rules, and which of two states of it is the later one."""
