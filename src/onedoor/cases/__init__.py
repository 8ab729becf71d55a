"""From a form to a signed result: dossiers, steps, hand-overs, results."""
