"""What the tests of this service share: callers, answers, a stand-in for auth, threads."""
