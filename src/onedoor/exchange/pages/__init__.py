"""Pages of the exchange: how a gateway works, for its operators; which services there are, for everybody."""
