"""Real servers, sample music and processes that several kinds of test share."""
