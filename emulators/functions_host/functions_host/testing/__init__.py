"""For the tests of apps and of this host: Microsoft's own worker library as the judge. Needs the extra `test`."""
