"""What people look at: timelines, an annotated clip, a page, a table of spots."""
