"""Callbacks that a config asks for; the base class is `meta_policy_search.callbacks.Callback`."""
