"""Who someone is: accounts, levels of assurance, officers and their posts."""
