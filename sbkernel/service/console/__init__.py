"""Serial consoles: logged always, watched for prompts and panics, shared by who attaches."""
