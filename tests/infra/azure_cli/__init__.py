"""A stand-in for `az`: the arguments of the real one, a subscription in a file, and the real JMESPath.

Compared with azure-cli 2.91.0 itself, without a login: that takes every call of the hooks too, and refuses with these
words and codes unknown flags, commands and parameters, a number that is none, a missing login, an unknown subscription,
no network. What only Azure answers (bodies, its refusals, exit code 3 for what does not exist) is from azure-cli's
sources and from reports.
"""
