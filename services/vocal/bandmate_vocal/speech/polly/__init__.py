"""Amazon Polly: cached speech, speech marks, SSML."""
