"""What everything else stands on: explanations, class masks, files, the runtime."""
