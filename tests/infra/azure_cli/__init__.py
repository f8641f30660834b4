"""A stand-in for `az`: the arguments of the real one, a subscription in a file, and the real JMESPath."""
