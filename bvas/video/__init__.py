"""Frame-exact reading and writing of video files, gray, by several decoders with one numbering."""
