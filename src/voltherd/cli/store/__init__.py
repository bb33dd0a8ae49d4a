"""``voltherd store``: look after what the cloud keeps."""
