"""Several experiments' score curves become one."""
